"""Renews what is generated: README.md's and docs/checks.md's blocks, docs/data-dictionary.md,
of deploy/ the man pages, the shells' completions and nfed@.service, and the wheel's copies of what
is written by hand there: the units and the journal's catalogs.

`python -m tools.build` writes, `--check` only says whether something is out of date (exit 1).
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from nfed.core.job import ALLOWED
from nfed.documents.checks.codes import CODES
from nfed.settings import PREFIX, Settings, masked
from tools import manual, shells, units
from tools.reading import reading_list

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
        [sys.executable, "-m", "nfed", "schema"],
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
ARCHITECTURE_BLOCKS: dict[str, Callable[[], str]] = {"reading": reading_list}
CHECKS_BLOCKS: dict[str, Callable[[], str]] = {"codes": codes_table}


def built() -> dict[Path, str]:
    """Every generated file's text as it should be."""
    return {
        ROOT / "README.md": _renewed(ROOT / "README.md", README_BLOCKS),
        ROOT / "docs" / "architecture.md": _renewed(
            ROOT / "docs" / "architecture.md", ARCHITECTURE_BLOCKS
        ),
        ROOT / "docs" / "checks.md": _renewed(ROOT / "docs" / "checks.md", CHECKS_BLOCKS),
        ROOT / "docs" / "data-dictionary.md": data_dictionary(),
        DEPLOY / "man" / "nfed.1": manual.command_page(),
        DEPLOY / "man" / "nfed.toml.5": manual.settings_page(),
        DEPLOY / "systemd" / "nfed@.service": units.template(DEPLOY / "systemd" / "nfed.service"),
        **shells.completions(DEPLOY / "completions"),
        **unit_templates(),
    }


def _renewed(path: Path, blocks: dict[str, Callable[[], str]]) -> str:
    text = path.read_text("utf-8")
    for name, make in blocks.items():
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        if text.count(begin) != 1:
            raise SystemExit(f"{path.name} has {text.count(begin)} blocks named {name}, expected 1")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{make()}\n{end}{rest.partition(end)[2]}"
    return text


def unit_templates() -> dict[Path, str]:
    """What the wheel brings of deploy/, for `nfed install-service`."""
    systemd = DEPLOY / "systemd"
    names = ("nfed.service", "nfed.sysusers", "nfed.tmpfiles")
    sources = [
        *(DEPLOY / name for name in ("service.toml", "nfed.catalog", "nfed.pt_BR.catalog")),
        *(systemd / name for name in names),
    ]
    units = ROOT / "daemon" / "nfed" / "service" / "units"
    return {units / source.name: source.read_text("utf-8") for source in sources}


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
