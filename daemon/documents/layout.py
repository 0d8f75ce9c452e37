"""The one table of tables: what is stored where, and where in the XML it comes from.

Every store, migration, converter and the data dictionary are made from `TABLES`. Adding a column
is one line in `layout_nota`, `layout_itens` or `layout_outros`.
"""

from dataclasses import dataclass

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
class Moment:
    """Date, time and UTC offset (TDateTimeUTC).

    Stored twice: the column itself keeps the issuer's wall clock, as its readers expect, and
    `<name>_tz` keeps the instant with its offset.
    """


type Kind = Text | Number | Integer | Date | Moment


@dataclass(frozen=True, slots=True)
class Column:
    """One column and its source.

    `path` is relative to the table's element: alternatives are separated by `|`, `*` stands for
    any one element (the ICMS groups), `@x` for an attribute, `.` for the element's own name.
    Without a path, `note` says where the value comes from.
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
    group without any makes none. `parent` is the table that `link` points to.
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
MOMENT = Moment()
MONEY = Number(15, 2)  # TDec_1302
RATE = Number(7, 4)  # TDec_0302a04 and its kin
QUANTITY = Number(15, 4)  # TDec_1104v
QUANTITY_12 = Number(16, 4)  # TDec_1204v
UNIT_PRICE = Number(21, 10)  # TDec_1110v
WEIGHT = Number(15, 3)  # TDec_1203


def tables() -> dict[str, Table]:
    """Every table by name, parents before their children."""
    from daemon.documents.layout_itens import ITEM_TABLES
    from daemon.documents.layout_nota import NOTE_TABLES
    from daemon.documents.layout_outros import OTHER_TABLES

    return {table.name: table for table in (*NOTE_TABLES, *ITEM_TABLES, *OTHER_TABLES)}
