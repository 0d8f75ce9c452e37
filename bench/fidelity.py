"""Measures whether the database says what the documents say, leaf by leaf.

    python -m bench.fidelity [FOLDER] [--notes N]

Without a folder: the generator's notes and the samples in nfelib's wheel. With one: every .xml
file below it, and those in its archives, each in a database of its own; its key unchecked, since
public samples are often anonymised. All of a file is walked, what stands around its documents too.
Exit code 1 when a leaf is missing or wrong, or when nfelib's bindings read another value.
"""

import argparse
import asyncio
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree

from bench.fidelity_beside import FoundBeside, compare_beside
from bench.fidelity_others import FoundElsewhere, compare_others
from bench.fidelity_reading import Note, first_reading, note_of, root_of, second_reading
from bench.fidelity_stored import Found, compare, is_listed
from bench.generator import Generator
from nfed.core.archive import ArchiveLimits, is_archive
from nfed.core.ports import Incoming
from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.documents.xml.find import Part, find_documents
from nfed.errors import DocumentError
from nfed.stores.sqlite.store import SQLiteStore
from nfed.workers.archives import OpenArchive
from nfed.workers.read import version_of

_CHECKS = Checks.none()
_LAYOUT = "4.00"  # the layout that the bindings know
_SHOWN = 40
_MOST_BYTES = 100 << 20  # of a file in an archive
_NAMED = 3


@dataclass(slots=True)
class Report:
    """What was found in one lot of files."""

    found: Found = field(default_factory=Found)
    equal: int = 0
    """Leaves that the second reading reads alike."""
    differing: list[str] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    """Leaves that the second reading does not know, by path."""
    others: FoundElsewhere = field(default_factory=FoundElsewhere)
    beside: FoundBeside = field(default_factory=FoundBeside)
    refused: Counter[str] = field(default_factory=Counter)
    """Files that are no note, by why."""

    @property
    def is_faithful(self) -> bool:
        """Nothing missing, nothing wrong, both readings agree."""
        unfaithful = (
            self.found.missing,
            self.found.wrong,
            self.differing,
            self.others.missing,
            self.others.wrong,
            self.beside.missing,
        )
        return not any(unfaithful)


def measure(contents: Iterable[tuple[str, bytes]]) -> Report:
    """Stores the documents of named files in databases of their own, and compares them."""
    report = Report()
    waiting: list[tuple[str, Document, Note]] = []
    for name, content in contents:
        try:
            documents = documents_from(content, _CHECKS)
            root = root_of(content)
            parts = list(find_documents(root, ""))
        except DocumentError as error:
            report.refused[type(error).__name__] += 1
            continue
        compare_others(name, parts, documents, report.others)
        compare_beside(name, root, parts, report.beside)
        for document, note in _notes(parts, documents, report):
            waiting.append((name, document, note))
            _read_again(name, note, report)
    while waiting:
        chosen, waiting = _of_different_keys(waiting)
        _compare_stored(chosen, report.found)
    return report


def _notes(
    parts: Sequence[Part | DocumentError],
    documents: Sequence[Document | DocumentError],
    report: Report,
) -> Iterator[tuple[Document, Note]]:
    """The notes among a file's documents; counts those that are refused."""
    read = [each for each in parts if isinstance(each, Part)]
    for part, document in zip(parts, documents, strict=True):
        if isinstance(document, DocumentError):
            report.refused[type(document).__name__] += 1
        elif isinstance(part, Part) and document.head == "notas_fiscais":
            yield document, note_of(part, read)


def _compare_stored(chosen: list[tuple[str, Document, Note]], whole: Found) -> None:
    with TemporaryDirectory() as folder:
        database = Path(folder) / "fidelity.db"
        asyncio.run(_store(database, [document for _, document, _ in chosen]))
        with closing(sqlite3.connect(database)) as connection:
            connection.row_factory = sqlite3.Row
            for name, _, note in chosen:
                found = compare(connection, note)
                found.missing = [f"{name}: {each}" for each in found.missing]
                found.wrong = [f"{name}: {each}" for each in found.wrong]
                whole.add(found)


def generated(count: int) -> Iterator[tuple[str, bytes]]:
    """Rich notes of both models, most with a protocol."""
    generator = Generator(7)
    for n in range(count):
        for modelo in ("55", "65"):
            note = generator.note(n, modelo=modelo, rich=True, authorised=n % 8 != 0)
            yield note.name, note.xml


def samples() -> Iterator[tuple[str, bytes]]:
    """The notes that nfelib's wheel carries."""
    spec = find_spec("nfelib")
    assert spec is not None
    assert spec.origin is not None
    for path in sorted(Path(spec.origin).parent.glob("nfe/samples/v4_0/leiauteNFe/*.xml")):
        yield path.name, path.read_bytes()


def other_samples() -> Iterator[tuple[str, bytes]]:
    """The documents of other kinds that nfelib's wheel carries; made up, as their issuers are."""
    spec = find_spec("nfelib")
    assert spec is not None
    assert spec.origin is not None
    for kind in ("cte", "mdfe", "nfse", "bpe", "nf3e", "nfcom"):
        for path in sorted(Path(spec.origin).parent.glob(f"{kind}/samples/*/*.xml")):
            yield path.name, path.read_bytes()


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every .xml file below a folder, and in its archives."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix.lower() == ".xml":
            yield name, path.read_bytes()
        elif path.is_file() and is_archive(path.name):
            yield from _members(path, name)


def _members(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    version = version_of(path.stat())
    with closing(OpenArchive(str(path), version, ArchiveLimits(), _MOST_BYTES)) as archive:
        for member in archive.listing().members:
            yield f"{name}!{member.path}", archive.content(member)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the docstring of the module."""
    parser = argparse.ArgumentParser(prog="python -m bench.fidelity")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--notes", type=int, default=300, help="how many of each model")
    options = parser.parse_args(arguments)
    if options.folder is not None:
        lots = {str(options.folder): files(options.folder)}
    else:
        lots = {
            "generator": generated(options.notes),
            "nfelib": samples(),
            "nfelib, other kinds": other_samples(),
        }

    is_faithful = True
    for name, contents in lots.items():
        report = measure(contents)
        print(_text(name, report), flush=True)
        is_faithful = is_faithful and report.is_faithful
    return 0 if is_faithful else 1


def _text(name: str, report: Report) -> str:
    found = report.found
    unread = report.unread.most_common(_NAMED)
    lines = [
        f"{name}: {found.documents:,} notes, {found.leaves:,} leaves",
        f"  {found.stored:,} stored, {found.aside:,} of them in nf_outros_valores",
        f"  {found.listed:,} listed as not stored",
        f"  {len(found.missing):,} missing",
        f"  {len(found.wrong):,} wrong",
        f"  nfelib's bindings read {report.equal:,} alike, {len(report.differing):,} otherwise",
    ]
    others = report.others
    if others.documents:
        told_of = f"{others.stored:,} leaves stored, {others.listed:,} listed"
        faults = f"{len(others.missing):,} missing, {len(others.wrong):,} wrong"
        lines.append(f"  {others.documents:,} other documents: {told_of}, {faults}")
    if report.beside.listed:
        lines.append(f"  around the documents: {report.beside.listed:,} listed as not stored")
    if unread:
        named = ", ".join(path for path, _ in unread)
        more = ", …" if len(report.unread) > _NAMED else ""
        lines.append(f"  and do not know {report.unread.total():,}: {named}{more}")
    if report.refused:
        why = ", ".join(f"{count} {name}" for name, count in report.refused.most_common())
        lines.append(f"  not read as a note: {why}")
    told = [
        *(f"  missing  {each}" for each in others.missing),
        *(f"  wrong    {each}" for each in others.wrong),
        *(f"  missing  {each}" for each in report.beside.missing),
        *(f"  missing  {each}" for each in found.missing),
        *(f"  wrong    {each}" for each in found.wrong),
        *(f"  differs  {each}" for each in report.differing),
    ]
    if len(told) > _SHOWN:
        told = [*told[:_SHOWN], f"  … and {len(told) - _SHOWN:,} more"]
    return "\n".join([*lines, *told])


def _of_different_keys(
    waiting: list[tuple[str, Document, Note]],
) -> tuple[list[tuple[str, Document, Note]], list[tuple[str, Document, Note]]]:
    """Those that one database can hold, and the rest, whose keys are in it already."""
    chosen: dict[str, tuple[str, Document, Note]] = {}
    rest = [each for each in waiting if chosen.setdefault(each[1].chave, each) is not each]
    return list(chosen.values()), rest


async def _store(database: Path, documents: list[Document]) -> None:
    store = SQLiteStore(database)
    await store.open()
    try:
        await store.store([Incoming(each, f"{each.chave}.xml") for each in documents], "fidelity")
    finally:
        await store.close()


def _read_again(name: str, note: Note, report: Report) -> None:
    """Compares the two readings of a note, path by path."""
    if note.versao != _LAYOUT:
        return
    try:
        again = second_reading(note)
    except (ValueError, etree.LxmlError) as error:
        report.differing.append(f"{name}: nfelib: {error}")
        return
    for path, texts in first_reading(note).items():
        other = again.get(path, [])
        if is_listed(path):
            continue
        if not other:
            report.unread[path] += len(texts)
        elif len(other) == len(texts) and all(map(_alike, texts, other)):
            report.equal += len(texts)
        else:
            report.differing.append(f"{name}: {path}: {texts[:3]} and {other[:3]}")


def _alike(one: str, other: str) -> bool:
    """The same text, or the same instant and offset: the bindings write +00:00 as Z."""
    return one == other or one.replace("+00:00", "Z") == other


if __name__ == "__main__":
    sys.exit(main())
