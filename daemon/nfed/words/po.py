"""Reads and writes a .po file, and makes the .mo of it that the standard library's gettext reads.

`python po.py FILE.po` writes FILE.mo beside it; whatever builds nfed runs that.
"""

import ast
import os
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

_MAGIC = 0x950412DE


@dataclass(slots=True)
class PoEntry:
    """A msgid, its plural, and their translations; empty where there is none yet."""

    msgid: str
    plural: str | None = None
    translations: list[str] = field(default_factory=lambda: [""])
    comments: list[str] = field(default_factory=list)
    """Lines that begin with #."""


def read(text: str) -> list[PoEntry]:
    """The entries of a .po, its header first."""
    entries: list[PoEntry] = []
    comments: list[str] = []
    where: list[str] = []
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if line.startswith("#"):
            comments.append(line)
        elif line.startswith('"'):
            where.append(ast.literal_eval(line))
            _put(entries[-1], where)
        elif word == "msgid":
            entries.append(PoEntry("", None, [], comments))
            comments, where = [], ["msgid", ast.literal_eval(rest)]
            _put(entries[-1], where)
        elif word:
            where = [word, ast.literal_eval(rest)]
            if word.startswith("msgstr"):
                entries[-1].translations.append("")
            _put(entries[-1], where)
    return entries


def _put(entry: PoEntry, where: list[str]) -> None:
    word, text = where[0], "".join(where[1:])
    if word == "msgid":
        entry.msgid = text
    elif word == "msgid_plural":
        entry.plural = text
    else:
        entry.translations[-1] = text


def write(entries: list[PoEntry]) -> str:
    """A .po of the entries."""
    return "\n".join("".join(f"{line}\n" for line in _lines(entry)) for entry in entries)


def _lines(entry: PoEntry) -> list[str]:
    lines = [*entry.comments, *_quoted("msgid", entry.msgid)]
    if entry.plural is None:
        return [*lines, *_quoted("msgstr", entry.translations[0])]
    lines += _quoted("msgid_plural", entry.plural)
    for number, each in enumerate(entry.translations):
        lines += _quoted(f"msgstr[{number}]", each)
    return lines


def _quoted(word: str, text: str) -> list[str]:
    pieces = text.splitlines(keepends=True) or [""]
    quoted = [
        '"' + each.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        for each in pieces
    ]
    return [f"{word} {quoted[0]}"] if len(quoted) == 1 else [f'{word} ""', *quoted]


def compiled(entries: list[PoEntry]) -> bytes:
    """The .mo (GNU gettext manual, 10.3): two tables of lengths and offsets, then the texts."""
    texts = sorted(
        (
            "\0".join(filter(None, (entry.msgid, entry.plural))).encode(),
            "\0".join(entry.translations).encode(),
        )
        for entry in entries
        if all(entry.translations)
    )
    offset = 28 + 16 * len(texts)
    tables: list[list[int]] = [[], []]
    blob = b""
    for column, table in enumerate(tables):
        for pair in texts:
            table += [len(pair[column]), offset + len(blob)]
            blob += pair[column] + b"\0"
    head = (_MAGIC, 0, len(texts), 28, 28 + 8 * len(texts), 0, 28 + 16 * len(texts))
    return struct.pack(f"<7I{4 * len(texts)}I", *head, *tables[0], *tables[1]) + blob


def make(source: Path) -> None:
    """Writes the .mo beside the .po, whole or not at all."""
    target = source.with_suffix(".mo")
    content = compiled(read(source.read_text("utf-8")))
    if target.exists() and target.read_bytes() == content:
        os.utime(target)
        return
    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(target)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
