"""`nfed export`: writes what is stored into a file, with its progress on a terminal."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from nfed.cli import database as looks
from nfed.cli import output
from nfed.cli.exits import ExitCode, complain
from nfed.cli.loading import load
from nfed.errors import ConfigError, StoreUnavailable
from nfed.exports.chosen import selection
from nfed.exports.lines import Locale
from nfed.exports.originals import Originals
from nfed.exports.printing import LAYOUTS, Printing, Unprintable, orders
from nfed.exports.request import FORMATS, Format, Request, Tally, What, answer
from nfed.exports.request import by_month as divided
from nfed.intake.folder import DONE
from nfed.settings import Settings
from nfed.stores.pages import Selection
from nfed.wiring import open_pages
from nfed.words import Message, said

if TYPE_CHECKING:
    from pypdf import PdfWriter

_LAYOUTS = dict(zip(("auto", "moc", "nt-2026-010"), LAYOUTS, strict=True))


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options chose, as they were written."""

    empresa: str | None = None
    role: str | None = None
    mes: str | None = None
    de: str | None = None
    ate: str | None = None
    status: str | None = None
    modelo: str | None = None

    @property
    def selection(self) -> Selection:
        """Raises typer.BadParameter."""
        try:
            return selection(**asdict(self))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None


def export(
    what: str,
    chosen: Chosen,
    form: str | None,
    locale: str,
    target: Path,
    *,
    by_month: bool,
    folder: Path | None,
    database: str | None,
) -> int:
    """Exports into a file, whole or not at all; returns the exit code."""
    if what not in list(What):
        raise typer.BadParameter(
            said("{what!r} is none of {names}", what=what, names=", ".join(What))
        )
    if locale not in list(Locale):
        raise typer.BadParameter(
            said(
                "--locale {locale}: expected {names}",
                locale=locale,
                names=", ".join(Locale),
            )
        )
    settings = load({"xml_folder": folder, "database_url": database}).settings
    request = Request(
        What(what), _format(What(what), form, target), chosen.selection, Locale(locale)
    )
    if by_month and request.format is not Format.PARQUET:
        raise typer.BadParameter(said("--by-month: expected --format parquet"))
    if by_month and target.exists():
        raise typer.BadParameter(
            said("--by-month: {path} is there already; name a new folder", path=target)
        )
    check_database(settings)
    tally = Tally()
    originals = Originals(done_of(settings))

    async def run() -> None:
        async with open_pages(settings) as pages:
            if by_month:
                with progress(tally):
                    await divided(request, pages, tally, str(target))
                return
            await write(answer(request, pages, originals, tally), target, tally)

    asyncio.run(run())
    _tell(request, tally, target)
    return ExitCode.OK


def danfe(
    chaves: list[str],
    chosen: Chosen,
    layout: str,
    target: Path,
    *,
    one_pdf: bool,
    folder: Path | None,
    database: str | None,
) -> int:
    """Prints into a file or a folder; returns the exit code."""
    if layout not in _LAYOUTS:
        raise typer.BadParameter(
            said("--layout {layout}: expected {names}", layout=layout, names=", ".join(_LAYOUTS))
        )
    settings = load({"xml_folder": folder, "database_url": database}).settings
    wanted = chosen.selection
    if chaves:
        wanted = replace(wanted, chaves=tuple(dict.fromkeys(chaves)))
    check_database(settings)
    sheets = Sheets(target, into_one=one_pdf or (len(chaves) == 1 and target.suffix == ".pdf"))
    tally, missing = Tally(), set(chaves)
    unprintable = 0

    async def run() -> None:
        nonlocal unprintable
        printing = Printing()
        try:
            async with open_pages(settings) as pages:
                found = orders(pages, wanted, Originals(done_of(settings)), _LAYOUTS[layout])
                async for chave, order in found:
                    missing.discard(chave)
                    printed = (
                        order if isinstance(order, Unprintable) else await printing.print(order)
                    )
                    if isinstance(printed, Unprintable):
                        complain(Message("{chave}: {reason}", chave=chave, reason=printed.reason))
                        unprintable += 1
                        continue
                    for remark in printed.remarks:
                        complain(Message("{chave}: {reason}", chave=chave, reason=remark))
                    sheets.add(chave, printed.pdf)
                    tally.rows += 1
                    tick()
        finally:
            await printing.close()

    with progress(tally) as tick:
        asyncio.run(run())
    for chave in missing:
        complain(Message("no document {chave} is stored", chave=chave))
    if tally.rows:
        sheets.close()
        documents = Message("{count:,} document", "{count:,} documents", count=tally.rows)
        output.say(Message("{path}: {documents}", path=target, documents=documents))
    elif not missing and not unprintable:
        output.say(Message("no document is chosen by that"))
    return ExitCode.SOME_REFUSED if missing or unprintable else ExitCode.OK


class Sheets:
    """Where PDFs go: a folder, a file for each; or one file for all of them."""

    def __init__(self, target: Path, *, into_one: bool) -> None:
        self._target = target
        self._into_one = into_one
        self._all: PdfWriter | None = None

    def add(self, chave: str, pdf: bytes) -> None:
        """Raises StoreUnavailable for a file that cannot be written."""
        if self._into_one:
            from pypdf import PdfReader, PdfWriter

            self._all = self._all or PdfWriter()
            self._all.append(PdfReader(BytesIO(pdf)))
            return
        try:
            self._target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                Message("{path}: {strerror}", path=self._target, strerror=error.strerror)
            ) from error
        with _opened(self._target / f"{chave}.pdf") as file:
            file.write(pdf)

    def close(self) -> None:
        """Writes the one file, where that is wanted."""
        if self._all is not None:
            with _opened(self._target) as file:
                self._all.write(file)


def done_of(settings: Settings) -> Path | None:
    """The folder of imported files, if it is within reach."""
    done = settings.xml_folder.absolute() / DONE
    return done if done.is_dir() else None


def check_database(settings: Settings) -> None:
    """Raises ConfigError or StoreUnavailable for a database that cannot be read by this nfed."""
    seen = looks.view(settings)
    if seen.error is not None:
        raise StoreUnavailable(seen.error)
    if seen.schema is None or not seen.schema.is_newest:
        found = None if seen.schema is None else seen.schema.current
        held = Message("schema {current}", current=found) if found else Message("no schema")
        raise ConfigError(
            Message(
                "database {database} has {held}; run `nfed db migrate` first",
                database=settings.database_shown,
                held=held,
            )
        )


async def write(parts: AsyncIterator[bytes], target: Path, tally: Tally) -> None:
    """Writes the parts: to stdout, or into a file that is there when it is whole."""
    with progress(tally) as tick, _opened(target) as file:
        async for part in parts:
            file.write(part)
            tick()


@contextmanager
def _opened(target: Path) -> Iterator[IO[bytes]]:
    if str(target) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    being_written = target.with_name(f".{target.name}.being-written")
    try:
        with open(being_written, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(being_written, target)
    except OSError as error:
        raise StoreUnavailable(
            Message("{path}: {strerror}", path=target, strerror=error.strerror)
        ) from error
    finally:
        with contextlib.suppress(OSError):
            being_written.unlink()


def _format(what: What, form: str | None, target: Path) -> Format:
    allowed = FORMATS[what]
    named = form or target.suffix.removeprefix(".").lower()
    if named in list(allowed):
        return Format(named)
    if form is not None:
        raise typer.BadParameter(
            said(
                "--format {form}: {what} comes as {allowed}",
                form=form,
                what=what,
                allowed=", ".join(allowed),
            )
        )
    return allowed[0]


@contextmanager
def progress(tally: Tally) -> Iterator[Callable[[], None]]:
    """Shows on a terminal how far it has come; what it yields is to be called as it goes on."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, rate="")

        def tick() -> None:
            speed = bar.tasks[0].speed
            rate = "" if speed is None else f"{speed:,.0f}/s"
            bar.update(task, completed=tally.rows, rate=rate)

        yield tick


def _tell(request: Request, tally: Tally, target: Path) -> None:
    if tally.unfit:
        numbers = Message("{count:,} number", "{count:,} numbers", count=tally.unfit)
        complain(
            Message(
                "{numbers} left out: more digits than the column has; csv and jsonl hold them",
                numbers=numbers,
            )
        )
    if str(target) == "-":
        return
    rows = Message("{count:,} row", "{count:,} rows", count=tally.rows)
    if request.what is What.XML:
        rows = output.files(tally.rows)
    files = target.rglob("*.*") if target.is_dir() else [target]
    size = output.size(sum(each.stat().st_size for each in files))
    output.say(Message("{path}: {rows}, {size}", path=target, rows=rows, size=size))
    if tally.from_database:
        output.say(
            Message(
                "{files} from the stored text: the file of the import is "
                "out of reach, or held more than one document",
                files=output.files(tally.from_database),
            )
        )
    if tally.without_xml:
        complain(
            Message(
                "{documents} without XML: stored without it (keep_xml), and not "
                "in done/; MANIFESTO.csv names them",
                documents=Message(
                    "{count:,} document", "{count:,} documents", count=tally.without_xml
                ),
            )
        )
