"""Writes rows as Parquet, by duckdb (extra `nfed[parquet]`): a DECIMAL as the layout has it.

No amount is ever a double. Rows are written as CSV first, and duckdb reads that: it holds no more
of it in memory than a group of rows. A moment is the issuer's clock (TIMESTAMP), with the text that
has its offset beside it under `_tz`.

What has more digits than the layout gives its column has no place in it: the cell is empty, and
counted. PostgreSQL keeps such a number, and csv and JSON give it.
"""

import asyncio
import csv
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec

from nfed.documents.layout.columns import (
    INSTANT_SUFFIX,
    Date,
    Day,
    Integer,
    Kind,
    Moment,
    Number,
)
from nfed.errors import ConfigError
from nfed.exports.slices import slices
from nfed.stores.pages import Cell, Row, Subject
from nfed.stores.pages.subjects import Field
from nfed.words import Message

MONTH = "mes"
"""The column by which a folder of files is divided."""
_MEMORY = "512MB"


def check_installed() -> None:
    """Raises ConfigError."""
    if find_spec("duckdb") is None:
        raise ConfigError(Message("Parquet needs duckdb: pip install 'nfed[parquet]'"))


async def parquet_of(
    subject: Subject, rows: AsyncIterator[Sequence[Row]], unfit: Callable[[], None]
) -> AsyncIterator[bytes]:
    """One file; `unfit` is called for each cell that does not fit. Raises ConfigError."""
    check_installed()
    with tempfile.TemporaryDirectory(prefix="nfed-parquet-") as folder:
        path = f"{folder}/rows.parquet"
        await _staged(subject, rows, unfit, folder)
        await asyncio.to_thread(_copy, subject, folder, path, by_month=False)
        async for part in slices(path):
            yield part


async def parquet_by_month(
    subject: Subject, rows: AsyncIterator[Sequence[Row]], unfit: Callable[[], None], target: str
) -> None:
    """A new folder with `mes=AAAA-MM/…parquet` in it, as duckdb, Spark and the rest read them."""
    check_installed()
    with tempfile.TemporaryDirectory(prefix="nfed-parquet-") as folder:
        await _staged(subject, rows, unfit, folder)
        await asyncio.to_thread(_copy, subject, folder, target, by_month=True)


async def _staged(
    subject: Subject, rows: AsyncIterator[Sequence[Row]], unfit: Callable[[], None], folder: str
) -> None:
    numbers = [
        (at, field.kind)
        for at, field in enumerate(subject.fields)
        if isinstance(field.kind, Number)
    ]
    file = await asyncio.to_thread(open, _stage(folder), "w", encoding="utf-8", newline="")
    with file:
        # A value is in quotes and no value is not, so that empty text is told from none.
        writer = csv.writer(file, quoting=csv.QUOTE_NOTNULL, lineterminator="\n")
        writer.writerow([field.name for field in subject.fields])

        def write(page: Sequence[Row]) -> None:
            for row in page:
                cells: list[Cell] = list(row)
                for at, kind in numbers:
                    if cells[at] is not None and not fits(kind, str(cells[at])):
                        cells[at] = None
                        unfit()
                writer.writerow(cells)

        async for page in rows:
            await asyncio.to_thread(write, page)


def fits(kind: Number, text: str) -> bool:
    """Tells whether a decimal is one of so many digits, to the last of its own."""
    if text[-kind.places - 1 : -kind.places] == "." and len(text) <= kind.digits:
        return True
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    if not number.is_finite() or abs(number) >= Decimal(10) ** (kind.digits - kind.places):
        return False
    return number == number.quantize(Decimal(1).scaleb(-kind.places))


def _copy(subject: Subject, folder: str, target: str, *, by_month: bool) -> None:
    import duckdb

    selected = [_selected(field) for field in subject.fields]
    options = "format parquet, compression zstd"
    if by_month:
        moment = next(field for field in subject.fields if isinstance(field.kind, Moment))
        selected.append(f"coalesce(substr({moment.name}, 1, 7), 'sem-data') as {MONTH}")
        options += f", partition_by ({MONTH})"
    columns = ", ".join(f"'{field.name}': 'VARCHAR'" for field in subject.fields)
    source = (
        f"read_csv(?, columns = {{{columns}}}, header = true, quote = '\"', escape = '\"', "
        "delim = ',', allow_quoted_nulls = false, nullstr = '', auto_detect = false, "
        "parallel = false)"
    )
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "threads": 1,
        "temp_directory": folder,
    }
    with duckdb.connect(config=settings) as connection:
        connection.execute(
            f"copy (select {', '.join(selected)} from {source}) to {_literal(target)} ({options})",
            [_stage(folder)],
        )


def _selected(field: Field) -> str:
    name = field.name
    kind: Kind = field.kind
    match kind:
        case Number(digits=digits, places=places):
            return f"cast({name} as decimal({digits}, {places})) as {name}"
        case Integer():
            return f"cast({name} as bigint) as {name}"
        case Date() | Day():
            return f"try_cast({name} as date) as {name}"
        case Moment():
            clock = f"try_cast(substr({name}, 1, 19) as timestamp) as {name}"
            return f"{clock}, {name} as {name}{INSTANT_SUFFIX}"
        case _:
            return name


def _stage(folder: str) -> str:
    return f"{folder}/rows.csv"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
