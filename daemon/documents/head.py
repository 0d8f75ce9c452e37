"""The row that a document is known by: what every kind of document does with it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

from lxml import etree

from daemon.documents.checks import Finding
from daemon.documents.document import Document
from daemon.documents.extract import Extraction, Row, Rows, Value
from daemon.documents.layout import Table, positions, tables
from daemon.documents.parts import Part
from daemon.documents.policy import Checks

_BRASILIA = timezone(timedelta(hours=-3))


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a document came in."""

    sha256: str
    checks: Checks
    findings: tuple[Finding, ...] = ()
    """What was found about the file as a whole, such as its encoding."""


class Head:
    """A document's head row, by column name."""

    def __init__(self, table: Table, extraction: Extraction) -> None:
        self.table = table
        self.rows: Rows = {
            name: rows for name, rows in extraction.rows().items() if _head_of(name) == table.name
        }
        self._at = positions(table.name)
        self.is_blank = table.name not in self.rows
        blank: Row = [0, *([None] * len(self._at))]
        self._row = self.rows.setdefault(table.name, [blank])[0]

    def __getitem__(self, column: str) -> Value:
        return self._row[self._at[column]]

    def __setitem__(self, column: str, value: Value) -> None:
        self._row[self._at[column]] = value

    def text(self, column: str) -> str:
        """The value as text, blanks at its ends removed; empty for none."""
        value = self[column]
        return "" if value is None else str(value).strip()

    def document(
        self,
        part: Part,
        origin: Origin,
        *,
        key: str,
        chave: str,
        rank: int,
        status: str,
        issued: str,
        content_sha256: str | None,
        findings: list[Finding],
    ) -> Document:
        """The finished document."""
        key_column = self.table.key
        assert key_column is not None
        self[key_column] = key
        self["status"] = status
        xml = "xml_completo" if self.table.name == "notas_fiscais" else "xml"
        self[xml] = part.xml if origin.checks.keep_xml else None
        self["arquivo_sha256"] = origin.sha256
        self["conteudo_sha256"] = content_sha256
        return Document(
            self.table.name,
            key,
            chave,
            rank,
            utc(self[f"{issued}_tz"] or self[issued]),
            content_sha256,
            self.rows,
            (*origin.findings, *findings),
        )


def extracted(
    asked: tuple[etree._Element | None, str],
    answered: tuple[etree._Element | None, str],
    *,
    needs_offsets: bool = True,
) -> tuple[Extraction, str | None, list[Finding]]:
    """Rows of both groups, each with its path in the layout; the digest of the first.

    Layouts before 3.10, and the first of the CT-e, need no offsets in their times.
    """
    extraction = Extraction(needs_offsets=needs_offsets)
    digest: str | None = None
    for (element, path), signed in ((asked, True), (answered, False)):
        if element is not None:
            extraction.walk(element, path)
            if signed:
                digest = extraction.digest
    findings = [Finding("VALUE", text) for text in extraction.unreadable.values()]
    return extraction, digest, findings


def utc(issued: object) -> str:
    """An instant in UTC, AAAA-MM-DDThh:mm:ssZ; empty for none.

    Old layouts write no offset: most of the country, and Brasília, has -03:00.
    """
    if not issued:
        return ""
    try:
        moment = datetime.fromisoformat(str(issued))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=_BRASILIA)
        instant = moment.astimezone(UTC)
    except OverflowError:  # 0001-01-01 and 9999-12-31 have no UTC day on their far side
        return str(issued)[:19] + "Z"
    return instant.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


@cache
def _head_of(name: str) -> str:
    """The table of documents that a table's rows belong to."""
    table = tables()[name]
    return name if table.parent is None else _head_of(table.parent)
