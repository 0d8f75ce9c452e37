"""Where the value of an XML path stands in a document's rows, by the layout."""

from dataclasses import dataclass
from functools import cache

from daemon.documents.extract import Rows, Value
from daemon.documents.layout import tables


@dataclass(frozen=True, slots=True)
class Place:
    """A table and a position in its rows."""

    table: str
    position: int

    def first(self, rows: Rows) -> Value:
        """The value in the table's first row; None where there is no row."""
        found = rows.get(self.table)
        return found[0][self.position] if found else None

    def column(self, rows: Rows) -> list[Value]:
        """The value in each of the table's rows."""
        position = self.position
        return [row[position] for row in rows.get(self.table, ())]


def place_of(path: str) -> Place:
    """The place of an XML path, such as NFe/infNFe/total/ICMSTot/vNF.

    Raises KeyError for a path that the layout does not store.
    """
    return _places()[path]


@cache
def _places() -> dict[str, Place]:
    return {
        f"{element}/{path}" if element else path: Place(table.name, table.position(column.name))
        for table in tables().values()
        if table.name != "empresas"  # derived from nf_partes, without rows of its own
        for column in table.columns
        for element in (table.element or "").split("|")
        for path in (column.path or "").split("|")
        if path
    }
