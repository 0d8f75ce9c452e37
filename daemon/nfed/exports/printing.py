"""Has documents printed, by a process of its own (`printer`): DANFE and its kin.

The library that lays them out takes a third of a second and 50 MB to load, and a document may make
it slow or break it: neither is to be felt by a daemon. One process prints for all who ask, one
document at a time; it is started for the first, and anew after one that hung or killed it.
"""

import asyncio
import contextlib
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from importlib.util import find_spec

from nfed.documents.xml.parse import parse
from nfed.errors import ConfigError
from nfed.exports.originals import Originals
from nfed.exports.printer import LAYOUTS, LENGTH, Order, Printed, Unprintable
from nfed.stores.pages import Pages, Selection, subjects
from nfed.words import Message

__all__ = ["LAYOUTS", "Order", "Printed", "Printing", "Unprintable", "orders"]

_SECONDS = 60.0
_PRINTER = "from nfed.exports.printer import main; main()"
"""Not -m, by which what it answers would be of a module called __main__."""
_NEEDED = ("brazilfiscalreport", "pypdf")
_NOTES_A_PAGE = 20
_CORRECTION = "110110"
_CANCELLED = "cancelada"


class Printing:
    """Prints; raises ConfigError where the libraries for it are not installed."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        """A document that takes longer than that is given up."""
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._process: Process | None = None

    async def print(self, order: Order) -> Printed | Unprintable:
        """The document's PDF, or why there is none."""
        if any(find_spec(name) is None for name in _NEEDED):
            raise ConfigError(Message("printing needs more libraries: pip install 'nfed[danfe]'"))
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._ask(order)
            except TimeoutError:
                await self._kill()
                return Unprintable(
                    Message("it is not laid out within {seconds:.0f} s", seconds=self._seconds)
                )
            except (OSError, EOFError):
                await self._kill()
                return Unprintable(
                    Message("the process that lays it out ended: too large for its memory")
                )
            except BaseException:
                await self._kill()  # an answer that nobody waits for would be the next one's
                raise

    async def close(self) -> None:
        """Ends the process, if there is one."""
        async with self._turn:
            await self._kill()

    async def _ask(self, order: Order) -> Printed | Unprintable:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-c",
                _PRINTER,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                start_new_session=True,
            )
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        message = pickle.dumps(order)
        asked.write(LENGTH.pack(len(message)) + message)
        await asked.drain()
        (size,) = LENGTH.unpack(await answers.readexactly(LENGTH.size))
        answer: Printed | Unprintable = pickle.loads(await answers.readexactly(size))
        return answer

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def orders(
    pages: Pages, selection: Selection, originals: Originals, layout: str = LAYOUTS[0]
) -> AsyncIterator[tuple[str, Order | Unprintable]]:
    """By chave, what is to be printed of the notes and other documents that are chosen.

    A cancelled one bears that, and below a note stands its last carta de correção that was
    registered: it replaces those before it (Ajuste SINIEF 7/05, cláusula décima quarta-A, § 4º).
    """
    async for page in pages.read("xml_notas", selection, _NOTES_A_PAGE):
        notes = [_named("xml_notas", row) for row in page.rows]
        chaves = tuple(str(note["chave_acesso"]) for note in notes)
        corrections = await _corrections(pages, chaves)
        for note in notes:
            chave = str(note["chave_acesso"])
            text = _text(note, "xml_completo", chave, originals)
            below = (corrections[chave],) if chave in corrections else ()
            yield chave, _order(text, note, below, layout)
    async for page in pages.read("xml_documentos", selection, _NOTES_A_PAGE):
        for row in page.rows:
            document = _named("xml_documentos", row)
            if document["especie"] != "evento":
                key = str(document["identificador"])
                yield key, _order(_text(document, "xml", key, originals), document, (), layout)


def _order(
    text: str | None, row: dict[str, object], below: tuple[str, ...], layout: str
) -> Order | Unprintable:
    if text is None:
        return Unprintable(
            Message("it is stored without its XML (keep_xml), and its file is not in done/")
        )
    return Order(text, row["status"] == _CANCELLED, below, layout)


async def _corrections(pages: Pages, chaves: tuple[str, ...]) -> dict[str, str]:
    """By chave, the XML of the last carta de correção that was registered."""
    last: dict[str, tuple[int, str]] = {}
    async for page in pages.read("xml_eventos", Selection(chaves=chaves), _NOTES_A_PAGE):
        for row in page.rows:
            event = _named("xml_eventos", row)
            if event["tipo_evento"] != _CORRECTION or event["status"] != "registrado":
                continue
            chave, number = str(event["chave_acesso"]), int(str(event["sequencia_evento"] or 0))
            if event["xml"] is not None and number >= last.get(chave, (0, ""))[0]:
                last[chave] = number, str(event["xml"])
    return {chave: text for chave, (_, text) in last.items()}


def _text(row: dict[str, object], column: str, key: str, originals: Originals) -> str | None:
    if row[column] is not None:
        return str(row[column])
    name, digest = row["arquivo_nome"], row["arquivo_sha256"]
    found = originals.find(
        None, None if name is None else str(name), None if digest is None else str(digest), key
    )
    return parse(found.content).text if found.content else None


def _named(subject: str, row: tuple[str | int | None, ...]) -> dict[str, object]:
    names = (field.name for field in subjects()[subject].fields)
    return dict(zip(names, row, strict=True))
