"""Describes columns and tables: their kinds, and where in the XML their values stand."""

from dataclasses import dataclass
from functools import cached_property

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
        """True if a double may lose digits (15 significant ones are safe, IEEE 754)."""
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


@dataclass(frozen=True)  # without slots: what is derived is kept
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

    @cached_property
    def stored_names(self) -> tuple[str, ...]:
        """The names of all values of a row, in order, but for the first, its parent's number."""
        return tuple(name for column in self.columns for name in column.stored_names)

    @cached_property
    def positions(self) -> dict[str, int]:
        """The positions of all values in a row, by name."""
        return {name: at for at, name in enumerate(self.stored_names, 1)}

    def position(self, name: str) -> int:
        """The position of a column's value in a row."""
        return self.positions[name]


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
    "ObsCont": "contribuinte",
    "ObsFisco": "fisco",
    "rem": "remetente",
    "exped": "expedidor",
    "receb": "recebedor",
    "toma": "tomador",
    "toma4": "tomador",
    "tomaTerceiro": "tomador",
    "comp": "comprador",
    "prest": "prestador",
    "Prestador": "prestador",
    "PrestadorServico": "prestador",
    "Tomador": "tomador",
    "TomadorServico": "tomador",
    "Intermediario": "intermediario",
    "IntermediarioServico": "intermediario",
    "interm": "intermediario",
    "emiDocAnt": "emissor_anterior",
    "ferroEnv": "ferrovia",
    "enderCorresp": "correspondencia",
    "veic": "veiculo",
    "infVeiculo": "veiculo",
    "veicTracao": "tracao",
    "veicPrincipal": "tracao",
    "veicReboque": "reboque",
}
"""What `name()` writes for an element; any other is written as it is."""

SOURCE = (
    Column("status", Text(20), note="from cStat: see the data dictionary's head"),
    Column("xml", Text(), note="the document's text as it came (keep_xml)"),
    Column("arquivo_nome", Text(), note="name of the file that brought this state"),
    Column("arquivo_sha256", Text(64), note="SHA-256 of that file's bytes, hexadecimal"),
    Column("conteudo_sha256", Text(64), note="SHA-256 of what the signed group says; empty for "
           "an answer alone"),
    Column("job_id", Text(36), note="the job that stored it, as in `nfed jobs`"),
)  # fmt: skip
"""Columns of every document that is not a note: its state, its text, and the file it came in."""
