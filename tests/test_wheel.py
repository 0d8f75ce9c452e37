"""The wheel holds what the sources hold, and its types are good enough for other programs."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import get_type_hints
from zipfile import ZipFile

import pytest

from nfed.batch.dicts import JobDict, JobStatistics
from nfed.ledger.reader import JobRecord, Statistics
from tests.support.harness import ROOT
from tests.support.readme import EXAMPLES

SOURCES = ("daemon", "setup.py", "pyproject.toml", "README.md", "LICENSE", "Makefile")
CATALOGUE = "words/locale/pt_BR/LC_MESSAGES/nfed.mo"
# What builds and runs left in a checkout of 0.1.0, whose import package was called daemon.
LEFTOVERS = (
    "build/lib.linux-x86_64-cpython-312/daemon/__init__.py",
    "build/lib.linux-x86_64-cpython-312/daemon/documents/tree.abi3.so",
    "build/temp.linux-x86_64-cpython-312/daemon/documents/tree_c/walk.o",
    "daemon/__pycache__/__init__.cpython-312.pyc",
    "daemon/api/__pycache__/routes.cpython-312.pyc",
    "daemon/documents/tree.abi3.so",
    "daemon/nfed.egg-info/SOURCES.txt",
    "nfed.egg-info/SOURCES.txt",
    "nfed.egg-info/top_level.txt",
)


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    finished = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def copied(folder: Path) -> Path:
    """The sources as in a fresh clone."""
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            built = shutil.ignore_patterns("__pycache__", "*.so", "*.mo", "*.egg-info")
            shutil.copytree(ROOT / name, folder / name, ignore=built)
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def leave_leftovers(checkout: Path, *more: str) -> None:
    for name in (*LEFTOVERS, *more):
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("daemon\n")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    return copied(tmp_path_factory.mktemp("wheel") / "checkout")


@pytest.fixture(scope="module")
def wheel(checkout) -> Path:
    """Built in a checkout that was built before the import package was called nfed."""
    platform = f"lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
    older = [
        f"build/{folder}/{module}"
        for folder in ("lib", platform)
        for module in ("daemon/cli.py", "nfed/a_module_that_went.py")
    ]
    leave_leftovers(checkout, *older)
    target = checkout.parent / "wheels"
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", target)
    run(sys.executable, "-m", "pip", "wheel", *options, checkout, cwd=checkout.parent)
    [made] = target.iterdir()
    return made


def test_the_wheel_brings_nothing_but_nfed(wheel):
    """A package called daemon is broken by `pip install python-daemon`, and breaks it."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        [top_level] = [name for name in names if name.endswith(".dist-info/top_level.txt")]

        assert archive.read(top_level).decode().split() == ["nfed"]
    assert {name.split("/")[0] for name in names} == {"nfed", top_level.split("/")[0]}


def test_the_wheel_holds_the_modules_and_files_of_the_sources_and_no_others(wheel):
    with ZipFile(wheel) as archive:
        packed = {
            name.removeprefix("nfed/") for name in archive.namelist() if "dist-info" not in name
        }
    written = {
        name
        for name in files_below(ROOT / "daemon" / "nfed")
        if not name.endswith((".pyx", ".so", ".mo", ".pyc"))
    }

    made = {f"documents/rows/walk{sysconfig.get_config_var('EXT_SUFFIX')}", CATALOGUE}
    assert packed - made == written


def test_setup_leaves_nothing_of_an_older_layout(tmp_path):
    """Only the installation itself is left out: the Python that it is given does nothing."""
    checkout = copied(tmp_path / "checkout")
    (checkout / "constraints.txt").touch()
    fresh = files_below(checkout)
    leave_leftovers(checkout)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n[ $2 != venv ] || install -D $0 .venv/bin/python\n")
    python.chmod(0o755)

    run("make", "setup", f"PYTHON={python}", cwd=checkout)

    left = {name for name in files_below(checkout) if not name.startswith(".venv/")}
    assert left == fresh
    assert [path.name for path in (checkout / "daemon").iterdir()] == ["nfed"]


@pytest.fixture(scope="module")
def python(wheel) -> Path:
    """A Python that has nfed from the wheel, and what nfed needs from here."""
    home = wheel.parents[1] / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    python = home / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
        *("--no-deps", "--no-index", wheel),
        cwd=home.parent,
    )
    # As a path alone: the .pth files there, nfed's own editable one among them, do not count.
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_installed_nfed_is_that_of_the_wheel(python, tmp_path):
    said = run(python, "-c", "import nfed; print(nfed.__file__)", cwd=tmp_path, PYTHONPATH="")

    assert Path(said.strip()).is_relative_to(python.parents[1])


def test_the_installed_nfed_speaks_portuguese(python, tmp_path):
    (tmp_path / "nota.xml").write_text("<html/>")

    said = subprocess.run(
        [python, "-m", "nfed", "check", "nota.xml"],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "pt_BR.UTF-8", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "seria recusado" in said.stdout


def test_every_example_of_the_readme_passes_mypy_strict(python, tmp_path):
    names = [f"example_{number}.py" for number in range(len(EXAMPLES))]
    for name, text in zip(names, EXAMPLES, strict=True):
        (tmp_path / name).write_text(text)

    said = run(
        *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable"),
        *(python, "--cache-dir", tmp_path / "cache", *names),
        cwd=tmp_path,
        MYPYPATH="",
    )

    assert said == f"Success: no issues found in {len(names)} source files\n"


@pytest.mark.parametrize(
    ("handed_out", "kept"), [(JobDict, JobRecord), (JobStatistics, Statistics)]
)
def test_what_the_library_hands_out_is_typed_as_the_ledger_keeps_it(handed_out, kept):
    assert get_type_hints(handed_out) == get_type_hints(kept)
