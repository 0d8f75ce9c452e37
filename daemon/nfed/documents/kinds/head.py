"""Fills the row that a document is known by, as every kind of document does."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from nfed.documents.checks import Checks, Finding
from nfed.documents.document import Document
from nfed.documents.layout import positions
from nfed.documents.layout.columns import Table
from nfed.documents.rows.extract import Extraction, Row, Rows, Value
from nfed.documents.xml.find import Part, holds_document, local_name

_BRASILIA = timedelta(hours=-3)


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
        self.rows: Rows = extraction.rows()
        self._at = positions(table.name)
        self.unreadable = frozenset(extraction.unreadable)
        """The paths of values that their columns could not hold."""
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
        content_sha256: tuple[str, str | None] | None,
        findings: list[Finding],
        signed_digest: str | None = None,
        is_accepted: bool = False,
    ) -> Document:
        """The finished document."""
        key_column = self.table.key
        assert key_column is not None
        self[key_column] = key
        self["status"] = status
        xml = "xml_completo" if self.table.name == "notas_fiscais" else "xml"
        self[xml] = part.xml if origin.checks.keep_xml else None
        self["arquivo_sha256"] = origin.sha256
        content, as_written = content_sha256 or (None, None)
        self["conteudo_sha256"] = content
        if "digest_assinatura" in self._at:
            self["digest_assinatura"] = signed_digest
        return Document(
            self.table.name,
            key,
            chave,
            rank,
            utc(self[f"{issued}_tz"] or self[issued]),
            content,
            self.rows,
            (*origin.findings, *findings),
            as_written,
            signed_digest,
            is_accepted,
        )


def extract_both(
    table: Table,
    asked: tuple[etree._Element | None, str],
    answered: tuple[etree._Element | None, str],
    *,
    needs_offsets: bool = True,
) -> tuple[Extraction, tuple[str, str | None] | None, list[Finding]]:
    """Rows of both groups for `table`, each with its path in the layout; the digests of the first.

    Layouts before 3.10, and the first of the CT-e, need no offsets in their times.
    """
    extraction = Extraction(table.name, needs_offsets=needs_offsets)
    digest: tuple[str, str | None] | None = None
    for (element, path), signed in ((asked, True), (answered, False)):
        if element is not None:
            extraction.walk(element, path)
            if signed:
                digest = extraction.digest, extraction.digest_as_written
    findings = [Finding("VALUE", text) for text in extraction.unreadable.values()]
    return extraction, digest, findings


def keep_beside(
    extraction: Extraction, holder: etree._Element | None, name: str, known: Collection[str]
) -> None:
    """Keeps what a document's element says itself, named `name` in the layout, and what stands in
    it beside the `known` groups and is no document."""
    if holder is None:
        return
    extraction.keep_attributes(holder, name, ("versao",))
    for each in holder:
        own = local_name(each)
        if own not in known and not holds_document(each):
            extraction.keep(each, f"{name}/{own}")


def utc(issued: object) -> str:
    """An instant in UTC, AAAA-MM-DDThh:mm:ssZ; empty for none.

    Old layouts write no offset: most of the country, and Brasília, has -03:00.
    """
    if not issued:
        return ""
    try:
        moment = datetime.fromisoformat(str(issued))
        offset = moment.utcoffset()
        instant = moment.replace(tzinfo=None) - (_BRASILIA if offset is None else offset)
    except OverflowError:  # 0001-01-01 and 9999-12-31 have no UTC day on their far side
        return str(issued)[:19] + "Z"
    return instant.isoformat(timespec="seconds") + "Z"
