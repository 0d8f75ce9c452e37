"""What goes to stdout: rich on a terminal; plain, whole and without colours in a pipe."""

import json
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 100_000


def escape_what_cannot_be_encoded() -> None:
    """A file name that is not UTF-8, or a terminal that is not, must not end the output."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def on_terminal() -> bool:
    """Whether somebody reads stdout as it comes."""
    return sys.stdout.isatty()


def console() -> Console:
    """For stdout. Nothing is wrapped or coloured in a pipe, whatever FORCE_COLOR says."""
    if on_terminal():
        return Console(highlight=False, markup=False, emoji=False)
    return Console(
        width=_WIDE,
        force_terminal=False,
        color_system=None,
        highlight=False,
        markup=False,
        emoji=False,
    )


def say(text: str = "", style: str = "") -> None:
    """One line, which the terminal may wrap."""
    console().print(Text(text, style=style), soft_wrap=True)


def say_json(value: object) -> None:
    """For programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def table(*headings: str) -> Table:
    """A table without lines, whose cells are folded rather than cut."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def say_table(made: Table) -> None:
    """On a terminal as wide as it is; in a pipe as wide as its cells."""
    target = console()
    if on_terminal():
        target.print(made)
        return
    with target.capture() as capture:
        target.print(made)
    for line in capture.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def plural(count: int, noun: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(size_bytes: int) -> str:
    """`1.4 GiB`."""
    amount = float(size_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
