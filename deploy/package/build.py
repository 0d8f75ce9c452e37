"""`make deb`: dist/nfed_VERSION_amd64.deb, the same bytes each time from the same commit.

A virtual environment at the path that it will have, made in a clean Debian 13 tree from nfed's own
wheel, which is compiled there, and wheels that constraints.txt names by hash; packed by nfpm. Needs
root.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.package import closure, root
from deploy.package.contained import contained
from nfed import __version__

PROJECT = Path(__file__).parent.parent.parent
DEPLOY = PROJECT / "deploy"
HOME = "/usr/lib/nfed"  # where the virtual environment lives
PYTHON = "3.13"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
# Of what Python calls nfed's source tree.
SOURCE = ("daemon", "setup.py", "pyproject.toml", "README.md", "LICENSE")

WHEEL = """
set -e
python3 -m venv /builder
/builder/bin/pip install --quiet --disable-pip-version-check --no-index --no-deps \\
    --root-user-action=ignore /wheels/lxml-*.whl /wheels/cython-*.whl /wheels/setuptools-*.whl
rm /wheels/cython-*.whl /wheels/setuptools-*.whl
/builder/bin/pip wheel --quiet --disable-pip-version-check --no-index --no-deps \\
    --no-build-isolation --wheel-dir=/wheels /source
"""
INSTALL = f"""
set -e
python3 -m venv {HOME}
{HOME}/bin/pip install --quiet --disable-pip-version-check --no-index --no-compile \\
    --no-deps --root-user-action=ignore /wheels/*.whl
# Debian's own, so that it gets Debian's security fixes.
ln -s /usr/lib/python3/dist-packages/systemd {HOME}/lib/python{PYTHON}/site-packages/systemd
{HOME}/bin/pip check
{HOME}/bin/python -c "import nfed.documents.rows.walk"
{HOME}/bin/pip uninstall --quiet --yes pip
find {HOME} -name __pycache__ -prune -exec rm -r {{}} +
rm -f {HOME}/bin/[Aa]ctivate* {HOME}/.gitignore
{HOME}/bin/python -m compileall -q --invalidation-mode unchecked-hash {HOME}/lib
{HOME}/bin/nfed --version
"""

# What is installed besides: source, target, mode.
FILES = (
    ("deploy/systemd/nfed.service", "/usr/lib/systemd/system/nfed.service", 0o644),
    ("deploy/systemd/nfed@.service", "/usr/lib/systemd/system/nfed@.service", 0o644),
    ("deploy/systemd/nfed.target", "/usr/lib/systemd/system/nfed.target", 0o644),
    ("deploy/systemd/nfed.socket", "/usr/lib/systemd/system/nfed.socket", 0o644),
    ("deploy/systemd/nfed.sysusers", "/usr/lib/sysusers.d/nfed.conf", 0o644),
    ("deploy/systemd/nfed.tmpfiles", "/usr/lib/tmpfiles.d/nfed.conf", 0o644),
    ("deploy/systemd/local-postgres.conf", "/usr/share/nfed/local-postgres.conf", 0o644),
    ("deploy/systemd/sqlite-only.conf", "/usr/share/nfed/sqlite-only.conf", 0o644),
    ("deploy/systemd/on-failure.conf", "/usr/share/nfed/on-failure.conf", 0o644),
    ("deploy/systemd/nfed-alert@.service", "/usr/share/nfed/nfed-alert@.service", 0o644),
    ("deploy/nfed.catalog", "/usr/lib/systemd/catalog/nfed.catalog", 0o644),
    ("deploy/nfed.pt_BR.catalog", "/usr/lib/systemd/catalog/nfed.pt_BR.catalog", 0o644),
    ("deploy/man/nfed.1", "/usr/share/man/man1/nfed.1", 0o644),
    ("deploy/man/nfed.toml.5", "/usr/share/man/man5/nfed.toml.5", 0o644),
    ("deploy/completions/nfed.bash", "/usr/share/bash-completion/completions/nfed", 0o644),
    ("deploy/completions/_nfed", "/usr/share/zsh/vendor-completions/_nfed", 0o644),
    ("deploy/completions/nfed.fish", "/usr/share/fish/vendor_completions.d/nfed.fish", 0o644),
    ("deploy/README.md", "/usr/share/doc/nfed/README.md", 0o644),
    ("CHANGELOG.md", "/usr/share/doc/nfed/CHANGELOG.md", 0o644),
    ("LICENSE", "/usr/share/doc/nfed/copyright", 0o644),
)


def build(versions: Sequence[str], out: Path, wheels: Path | None = None) -> list[Path]:
    """Builds the package, once for each version that it shall bear, and returns the paths.

    `wheels` is a new folder for nfed's own wheel and those of all that it needs.
    """
    root.require_root()
    tree = root.ensure()
    epoch = _epoch()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nfed-deb-") as scratch, _overlay(tree) as stage:
        _gather_wheels(stage, epoch)
        if wheels is not None:
            shutil.copytree(stage / "wheels", wheels)
        _in(stage, INSTALL)
        home = stage / HOME.lstrip("/")
        _settle(home, epoch)
        return [_pack(version, home, Path(scratch), out, epoch) for version in versions]


def file_name(version: str) -> str:
    """What the package of this version is called."""
    return f"nfed_{version}_amd64.deb"


def _pack(version: str, home: Path, scratch: Path, out: Path, epoch: int) -> Path:
    target = out / file_name(version)
    config = scratch / "nfpm.json"
    config.write_text(json.dumps(_package(version, home), indent=1))
    subprocess.run(
        [_nfpm(), "package", "--config", config, "--packager", "deb", "--target", target],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
    )
    return target


def _package(version: str, home: Path) -> dict[str, object]:
    contents: list[dict[str, object]] = [
        {"src": str(home), "dst": HOME, "type": "tree"},
        {"src": f"{HOME}/bin/nfed", "dst": "/usr/bin/nfed", "type": "symlink"},
        {"dst": "/etc/nfed", "type": "dir", "file_info": {"mode": 0o755}},
        {
            "src": str(DEPLOY / "service.toml"),
            "dst": "/etc/nfed/nfed.toml",
            "type": "config|noreplace",
            "file_info": {"mode": 0o644},
        },
    ]
    contents += [
        {"src": str(PROJECT / source), "dst": target, "file_info": {"mode": mode}}
        for source, target, mode in FILES
    ]
    return {
        "name": "nfed",
        "arch": "amd64",
        "platform": "linux",
        "version": version,
        "version_schema": "none",
        "section": "misc",
        "priority": "optional",
        "maintainer": "The nfed developers <nfed@localhost>",
        "description": (
            "import of Brazilian fiscal XML into a database\n"
            "Watches a folder for NF-e and NFC-e files and stores each note exactly once, in\n"
            "SQLite, PostgreSQL or Supabase. Runs as the service nfed."
        ),
        "license": "MIT",
        "depends": [
            "python3 (>= 3.13~)",
            "python3 (<< 3.14)",
            "python3-systemd",
            "init-system-helpers (>= 1.52)",
            "systemd (>= 257)",
        ],
        "contents": contents,
        "scripts": {
            "postinstall": str(DEPLOY / "package" / "postinst"),
            "preremove": str(DEPLOY / "package" / "prerm"),
            "postremove": str(DEPLOY / "package" / "postrm"),
        },
        "deb": {"compression": "zstd"},
    }


def _wheels() -> Path:
    """The wheels of all that nfed needs, downloaded once; pip holds them to their hashes."""
    text = closure.requirements((PROJECT / "constraints.txt").read_text("utf-8"))
    folder = root.cache() / f"wheels-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    with root.locked(folder.with_suffix(".lock")):
        if folder.is_dir():
            return folder
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        names = folder.with_suffix(".txt")
        names.write_text(text, "utf-8")
        platforms = [f"--platform={platform}" for platform in PLATFORMS]
        root.retried(
            [
                *(*PIP, "download", "--require-hashes", "--no-deps", "--only-binary=:all:"),
                *(f"--python-version={PYTHON}", "--implementation=cp"),
                *("--abi=cp313", "--abi=abi3", "--abi=none", *platforms),
                *(f"--dest={part}", f"--requirement={names}"),
            ]
        )
        part.rename(folder)
    return folder


def _gather_wheels(stage: Path, epoch: int) -> None:
    """Those of all that nfed needs, and its own, which the tree's compiler builds from a copy."""
    shutil.copytree(_wheels(), stage / "wheels")
    copy = stage / "source"
    copy.mkdir()
    for name in SOURCE:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(
                source,
                copy / name,
                ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info"),
            )
        else:
            shutil.copy2(source, copy / name)
    _in(stage, f"export SOURCE_DATE_EPOCH={epoch}\n{WHEEL}")


def _settle(home: Path, epoch: int) -> None:
    """Times and modes that do not depend on when and by whom it was built."""
    for folder, _, files in os.walk(home):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def _epoch() -> int:
    """SOURCE_DATE_EPOCH, or the time of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    said = subprocess.run(
        ["git", "log", "-1", "--format=%ct"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        raise root.Impossible("no git commit to take the time from: set SOURCE_DATE_EPOCH")
    return int(said.stdout)


def _nfpm() -> Path:
    return Path(sys.executable).parent / "nfpm"


@contextmanager
def _overlay(tree: Path) -> Iterator[Path]:
    """The tree, to be written to; what is written is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="nfed-root-") as base:
        _run("mount", "-t", "tmpfs", "-o", "size=2g,mode=755", "tmpfs", base)
        try:
            upper, work, merged = (Path(base, name) for name in ("upper", "work", "merged"))
            for each in (upper, work, merged):
                each.mkdir()
            options = f"lowerdir={tree},upperdir={upper},workdir={work}"
            _run("mount", "-t", "overlay", "-o", options, "overlay", merged)
            try:
                yield merged
            finally:
                _run("umount", merged)
        finally:
            _run("umount", base)


def _in(stage: Path, script: str) -> None:
    """Runs a shell script in the tree, with nothing of this machine's environment."""
    _run(
        *("chroot", stage, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
        *("LANG=C.UTF-8", "HOME=/root", "PYTHONHASHSEED=0", "sh", "-c", script),
    )


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def main() -> None:
    """Builds what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default=__version__)
    parser.add_argument("--out", type=Path, default=PROJECT / "dist")
    asked = parser.parse_args(contained("deploy.package.build"))
    print(*build([asked.version], asked.out))


if __name__ == "__main__":
    main()
