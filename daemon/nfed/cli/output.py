"""Prints to stdout: with rich on a terminal; plain, whole and without colours in a pipe."""

import json
import sys

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from nfed.core.escape import escaped, escaped_json, escaped_lines
from nfed.core.outcome import Reason
from nfed.words import Message, word

_WIDE = 100_000


def escape_what_cannot_be_encoded() -> None:
    """A file name that is not UTF-8, or a terminal that is not, must not end the output."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def on_terminal() -> bool:
    """Tells whether somebody reads stdout as it comes."""
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
    """One line in the language spoken, which the terminal may wrap."""
    console().print(Text(escaped_lines(word(text)), style=style), soft_wrap=True)


def say_json(value: object) -> None:
    """For programs."""
    sys.stdout.write(escaped_json(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


class _Table(Table):
    """Its cells hold text of any origin."""

    plain: list[list[str]]
    """The rows as text."""

    def add_row(
        self,
        *renderables: RenderableType | None,
        style: StyleType | None = None,
        end_section: bool = False,
    ) -> None:
        """See Table."""
        harmless = [escaped(word(each)) if isinstance(each, str) else each for each in renderables]
        self.plain.append([str(each or "") for each in harmless])
        super().add_row(*harmless, style=style, end_section=end_section)

    def needed_width(self) -> int:
        """The columns that its cells take unfolded, two blanks between them."""
        headings = [str(each.header) for each in self.columns] if self.show_header else []
        rows = [row for row in (headings, *self.plain) if row]
        widths = (max(map(cell_len, column)) for column in zip(*rows, strict=False))
        return sum(width + 2 for width in widths)


def table(*headings: str) -> _Table:
    """A table without lines, whose cells are folded rather than cut."""
    made = _Table(box=None, pad_edge=False, header_style="bold")
    made.plain = []
    for heading in headings:
        made.add_column(word(heading), overflow="fold")
    return made


def say_table(made: _Table) -> None:
    """In a pipe as wide as its cells; on a terminal that is narrower one row below the other.

    There the terminal itself breaks what is too long, so that a copy of it is whole.
    """
    target = console()
    if on_terminal():
        if made.needed_width() <= target.width:
            target.print(made)
        else:
            _say_stacked(made, target)
        return
    with target.capture() as capture:
        target.print(made)
    for line in capture.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def _say_stacked(made: _Table, target: Console) -> None:
    headings = [str(each.header) for each in made.columns] if made.show_header else []
    for row in made.plain:
        first, *rest = row
        target.print(Text(first, style="bold"), soft_wrap=True)
        for number, cell in enumerate(rest, 1):
            if cell:
                heading = f"{headings[number]}: " if headings else ""
                target.print(Text(f"  {heading}{cell}"), soft_wrap=True)


def files(count: int) -> Message:
    """`1 file`, `1,200 files`."""
    return Message("{count:,} file", "{count:,} files", count=count)


def left_alone(count: int) -> Message:
    """`1 thing there is not taken`."""
    return Message(
        "{count:,} thing in it is not taken, see below",
        "{count:,} things in it are not taken, see below",
        count=count,
    )


def notes(count: int) -> Message:
    """`1 note`, `1,200 notes`."""
    return Message("{count:,} note", "{count:,} notes", count=count)


REASONS = {
    Reason.BUSY: Message("busy"),
    Reason.INCOMPLETE: Message("incomplete"),
    Reason.UNREADABLE: Message("unreadable"),
    Reason.CHANGED: Message("changed"),
    Reason.VANISHED: Message("vanished"),
    Reason.RETRY: Message("retry"),
    Reason.CANCELLED: Message("cancelled"),
}
"""Why a file waits, as a person may see it."""


def line(text: str) -> str:
    """Text in the language spoken, harmless and on one line."""
    return escaped(" ".join(word(text).split()))


def size(size_bytes: int) -> Message:
    """`1.4 GiB`."""
    if size_bytes < 1024:
        return Message("{count:,} byte", "{count:,} bytes", count=size_bytes)
    amount, unit = size_bytes / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if amount >= 1024:
            amount, unit = amount / 1024, larger
    return Message("{amount:.1f} {unit}", amount=amount, unit=unit)
