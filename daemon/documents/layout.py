"""The one table of tables: what is stored where, and where in the XML it comes from.

Every store, migration, converter and the data dictionary are made from `TABLES`. Adding a column
is one line in one of the `layout_*` modules; what is deliberately left out is in `NOT_STORED`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

EXACT_SUFFIX = "_exato"
INSTANT_SUFFIX = "_tz"


@dataclass(frozen=True, slots=True)
class Text:
    """Text as written; `length` is the XSD's maximum, None means unbounded."""

    length: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """An exact decimal of at most `digits` digits, `places` of them after the point."""

    digits: int
    places: int
    lenient: bool = False
    """The XSD allows any text here: what is no number leaves the column empty, and an explicit
    `<name>_exato` column holds the text."""

    @property
    def needs_twin(self) -> bool:
        """Whether a double may lose digits (15 significant ones are safe, IEEE 754)."""
        return self.digits > 15 and not self.lenient


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number of at most 18 digits, so that it fits 64 bits."""

    big: bool = False


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar date, AAAA-MM-DD."""


@dataclass(frozen=True, slots=True)
class Day:
    """The calendar day of a date or of a moment, in the moment's own offset."""


@dataclass(frozen=True, slots=True)
class Month:
    """The month of a date or of a moment, AAAA-MM, in the moment's own offset."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Date, time and UTC offset (TDateTimeUTC).

    Stored twice: the column itself keeps the issuer's wall clock, as its readers expect, and
    `<name>_tz` keeps the instant with its offset. Layouts before 3.10 give a day alone, which is
    its midnight and has no instant.
    """


type Kind = Text | Number | Integer | Date | Day | Month | Moment


@dataclass(frozen=True, slots=True)
class Column:
    """One column and its source.

    `path` is relative to the table's element: alternatives are separated by `|`, `*` stands for
    any one element (the ICMS groups), `@x` for an attribute, `.` for the element's own text and
    `name()` for its name (as `WORDS` puts it). Without a path, `note` says where the value comes
    from.
    """

    name: str
    kind: Kind
    path: str | None = None
    note: str = ""

    @property
    def stored_names(self) -> tuple[str, ...]:
        """The names under which it is stored: its own, and its twin's if it has one."""
        match self.kind:
            case Moment():
                return (self.name, self.name + INSTANT_SUFFIX)
            case Number(needs_twin=True):
                return (self.name, self.name + EXACT_SUFFIX)
            case _:
                return (self.name,)


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    `element` is the path of the element that makes a row, from the document's root; alternatives
    are separated by `|`. With `repeats` false, the row is made by the first value found, so a
    group without any makes none; so it is, too, for an alternative that holds another one (`pag`
    of layout 3.10 beside `pag/detPag`). `parent` is the table that `link` points to.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    element: str | None = None
    parent: str | None = None
    link: str | None = None
    repeats: bool = True
    key: str | None = None
    """The column that identifies a document, in a table whose rows are documents (a head)."""

    @property
    def stored_names(self) -> tuple[str, ...]:
        """The names of all values of a row, in order, but for the first, its parent's number."""
        return tuple(name for column in self.columns for name in column.stored_names)

    def position(self, name: str) -> int:
        """Where the value stands in a row."""
        return self.stored_names.index(name) + 1


INTEGER = Integer()
BIG_INTEGER = Integer(big=True)
DATE = Date()
DAY = Day()
MONTH = Month()
MOMENT = Moment()
MONEY = Number(15, 2)  # TDec_1302
RATE = Number(7, 4)  # TDec_0302a04 and its kin
QUANTITY = Number(15, 4)  # TDec_1104v
QUANTITY_12 = Number(16, 4)  # TDec_1204v
UNIT_PRICE = Number(21, 10)  # TDec_1110v
WEIGHT = Number(15, 3)  # TDec_1203

WORDS = {
    "emit": "emitente",
    "dest": "destinatario",
    "transporta": "transportador",
    "obsCont": "contribuinte",
    "obsFisco": "fisco",
}
"""What `name()` writes for an element; any other is written as it is."""

NOT_STORED = {
    "NFe/infNFe/infPAA/PAASignature": "a signature; xml_completo holds it",
    "NFe/Signature": "the signature; xml_completo holds it",
    "protNFe/Signature": "the tax office's signature; xml_completo holds it",
    "protNFe/infProt/chNFe": "compared with the note's own key; a difference is told (KEY)",
    "protNFe/@versao": "the version of the answer's form, not of the note",
    "nfeProc/@versao": "the version of the wrapper, not of the note",
}
"""Elements and attributes without a column, each with the reason; an element means all below."""


@cache
def tables() -> Mapping[str, Table]:
    """Every table by name, parents before their children."""
    from daemon.documents.layout_itens import ITEM_TABLES
    from daemon.documents.layout_nota import NOTE_TABLES
    from daemon.documents.layout_outros import OTHER_TABLES

    return {table.name: table for table in (*NOTE_TABLES, *ITEM_TABLES, *OTHER_TABLES)}


@cache
def positions(table: str) -> dict[str, int]:
    """Where each column's value stands in a row of that table, by name."""
    return {name: at for at, name in enumerate(tables()[table].stored_names, 1)}
