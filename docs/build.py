"""Renews what is generated: README.md's and docs/checks.md's blocks, docs/data-dictionary.md,
and of deploy/ the journal's catalogs, the man pages, the shells' completions and nfed@.service.

`python docs/build.py` writes, `--check` only says whether something is out of date (exit 1).
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import manual
import shells
import units

from daemon.core.job import ALLOWED
from daemon.documents.finding_codes import CODES
from daemon.logs.catalog import catalog
from daemon.settings import PREFIX, Settings, masked

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"


def settings_table() -> str:
    """Every setting with its default and meaning."""
    lines = ["| setting | default | means |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = masked(name, field.default) or "(none)"
        lines.append(f"| `{name}` | `{default}` | {field.description} |")
    lines.append("")
    lines.append(f"In the environment: `{PREFIX}` and the name in capitals, `{PREFIX}XML_FOLDER`.")
    return "\n".join(lines)


def states_diagram() -> str:
    """The table of allowed moves, as Mermaid."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> pending"]
    for state, targets in ALLOWED.items():
        lines += [f"    {state} --> {target}" for target in sorted(targets)]
        if not targets:
            lines.append(f"    {state} --> [*]")
    return "\n".join([*lines, "```"])


def data_dictionary() -> str:
    """What `nfed schema` prints."""
    return subprocess.run(
        [sys.executable, "-m", "daemon", "schema"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout


def codes_table() -> str:
    """Every code that a finding can carry."""
    lines = ["| code | means |", "|---|---|"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in CODES.items()]
    return "\n".join(lines)


README_BLOCKS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "states": states_diagram,
}
CHECKS_BLOCKS: dict[str, Callable[[], str]] = {"codes": codes_table}


def built() -> dict[Path, str]:
    """Every generated file's text as it should be."""
    return {
        ROOT / "README.md": _renewed(ROOT / "README.md", README_BLOCKS),
        ROOT / "docs" / "checks.md": _renewed(ROOT / "docs" / "checks.md", CHECKS_BLOCKS),
        ROOT / "docs" / "data-dictionary.md": data_dictionary(),
        DEPLOY / "nfed.catalog": catalog("en"),
        DEPLOY / "nfed.pt_BR.catalog": catalog("pt_BR"),
        DEPLOY / "man" / "nfed.1": manual.command_page(),
        DEPLOY / "man" / "nfed.toml.5": manual.settings_page(),
        DEPLOY / "systemd" / "nfed@.service": units.template(DEPLOY / "systemd" / "nfed.service"),
        **shells.completions(DEPLOY / "completions"),
        **unit_templates(),
    }


def _renewed(path: Path, blocks: dict[str, Callable[[], str]]) -> str:
    text = path.read_text("utf-8")
    for name, make in blocks.items():
        text, count = re.subn(
            rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)",
            lambda match, make=make: f"{match[1]}{make()}\n{match[2]}",
            text,
            flags=re.DOTALL,
        )
        if count != 1:
            raise SystemExit(f"{path.name} has {count} blocks named {name}, expected 1")
    return text


def unit_templates() -> dict[Path, str]:
    """What the wheel brings of deploy/, for `nfed install-service`."""
    systemd = DEPLOY / "systemd"
    names = ("nfed.service", "nfed.sysusers", "nfed.tmpfiles")
    sources = [DEPLOY / "service.toml", *(systemd / name for name in names)]
    return {
        ROOT / "daemon" / "units" / source.name: source.read_text("utf-8") for source in sources
    }


def main() -> None:
    """Writes or checks."""
    stale = [
        path
        for path, text in built().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if "--check" in sys.argv:
        if stale:
            names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
            raise SystemExit(f"out of date: {names}; run `make docs`")
        return
    for path in stale:
        path.write_text(built()[path], "utf-8")


if __name__ == "__main__":
    main()
