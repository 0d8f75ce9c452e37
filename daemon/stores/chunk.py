"""What becomes of a chunk's documents; no database is touched here, every store asks here.

A store looks up what it knows of `wanted` keys, makes a `Chunk` of it, and writes what that holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from daemon.core.arrival import shown
from daemon.core.outcome import Duplicate, Imported, Outcome, Updated
from daemon.core.ports import Incoming
from daemon.core.verdict import Stored, verdict
from daemon.documents.document import Document, rank
from daemon.documents.extract import Row, Value
from daemon.documents.layout import Table, positions, tables
from daemon.documents.layout_nota import NF_PARTES, NOTAS_FISCAIS
from daemon.stores.sqlite_sql import PARTY_FIELDS

LINKS = {papel: NOTAS_FISCAIS.position(f"{papel}_id") for papel in ("emitente", "destinatario")}
"""Where in a note's row the id of its party stands."""
_PARTY = tuple(NF_PARTES.position(name) for name in PARTY_FIELDS)
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_ID_ESTRANGEIRO = NF_PARTES.position("id_estrangeiro")
_NAME = NF_PARTES.position("razao_social")
_PAPEL = NF_PARTES.position("papel")

type Identity = tuple[Value, Value, Value]
"""A CPF or CNPJ; or, for a foreigner, None, the passport or number, and the name."""
type Key = tuple[str, str]
"""Head table and key."""


@dataclass(frozen=True, slots=True)
class Known:
    """A stored document, as a row of `known_columns`."""

    key: str
    document_id: int
    content_sha256: str | None
    codigo_status: str | None
    numero_protocolo: str | None
    file_name: str | None


def known_columns(head: Table) -> str:
    """What to select for `Known`, in the order of its fields."""
    answered = "codigo_status" if "codigo_status" in head.stored_names else "null"
    return f"{head.key}, id, conteudo_sha256, {answered}, numero_protocolo, arquivo_nome"


def wanted(documents: Iterable[Document]) -> dict[str, set[str]]:
    """By head table, the keys to look up."""
    found: dict[str, set[str]] = {}
    for document in documents:
        found.setdefault(document.head, set()).add(document.key)
        if document.head == "nf_resumos":
            # The whole document, if it is there, stands for its summary.
            found.setdefault("notas_fiscais", set()).add(document.chave)
            found.setdefault("nf_eventos", set()).add(document.key)
    return found


def rows_of(document: Document) -> Iterable[tuple[Table, str, str]]:
    """Table, column and value by which to find its row, or that of the whole of a summary."""
    head = tables()[document.head]
    assert head.key is not None
    yield head, head.key, document.key
    if document.head == "nf_resumos":
        yield tables()["nf_eventos"], "identificador", document.key
        yield NOTAS_FISCAIS, "chave_acesso", document.chave


def filled(places: Mapping[str, int], rows: Sequence[Row]) -> dict[str, Sequence[Value]]:
    """By column, its value in each row; only columns that hold anything in one of them.

    Most columns of most rows are empty, and to name them costs more than to store the rest.
    """
    columnwise = list(zip(*rows, strict=True))
    return {
        name: columnwise[at]
        for name, at in places.items()
        if columnwise[at].count(None) < len(rows)
    }


class Chunk:
    """What is known of a chunk's documents while it is written."""

    def __init__(self, known: Iterable[tuple[str, Known]]) -> None:
        """Takes what is stored, each with its head table."""
        self.new: dict[Key, Document] = {}
        self.updates: list[tuple[Document, int, bool]] = []
        """Document, id of the stored one, whether it has come further than that."""
        self.added: dict[str, list[tuple[int, Row]]] = {}
        """By table: parent's id and row, of documents that are stored already."""
        self.emptied: list[int] = []
        """Ids of stored events that another attempt replaces: their fields go first."""
        self._stored: dict[Key, Stored] = {}
        self._ids: dict[Key, int] = {}
        for head, each in known:
            self._stored[head, each.key] = Stored(
                each.content_sha256,
                rank(each.codigo_status, each.numero_protocolo),
                each.file_name,
            )
            self._ids[head, each.key] = each.document_id

    def settle(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """An outcome for each document, in order."""
        outcomes: list[Outcome] = []
        for each in incoming:
            document = each.document
            at = positions(document.head)
            row = document.rows[document.head][0]
            file_name = shown(each.file_name)
            row[at["arquivo_nome"]] = file_name
            row[at["job_id"]] = job_id
            outcome = self._replaced(document) or verdict(document, self.known(document))
            outcomes.append(outcome)
            if isinstance(outcome, Imported | Updated):
                self._take(document, file_name)
        return outcomes

    @property
    def chaves(self) -> dict[str, list[str]]:
        """By head table: the keys that new and renewed documents are about."""
        found: dict[str, list[str]] = {}
        for document in (*self.new.values(), *(document for document, _, _ in self.updates)):
            found.setdefault(document.head, []).append(document.chave)
        return found

    def known(self, document: Document) -> Stored | None:
        """What is stored, or about to be, under the document's key."""
        return self._stored.get((document.head, document.key))

    def _replaced(self, document: Document) -> Outcome | None:
        """A summary whose whole document is stored needs no place of its own."""
        if document.head != "nf_resumos":
            return None
        whole = self._stored.get(("nf_eventos", document.key))
        if whole is None and document.key.startswith("resNFe-") and document.key.endswith("-1"):
            whole = self._stored.get(("notas_fiscais", document.chave))
        if whole is None:
            return None
        return Duplicate(document.chave, whole.file_name, document.findings)

    def _take(self, document: Document, file_name: str) -> None:
        """A document that is new, or brings something new to the one that is known."""
        key = (document.head, document.key)
        known = self._stored.get(key)
        if known is None:
            self.new[key] = document
        elif key in self.new:  # both files in one chunk
            self.new[key] = _merged(self.new[key], document)
        else:
            self.updates.append((document, self._ids[key], document.rank >= known.rank))
            content = document.content_sha256
            other = content is not None and known.content_sha256 != content
            if other and document.head == "nf_eventos":
                self.emptied.append(self._ids[key])
                fields = self.added.get("nf_eventos_campos", ())
                self.added["nf_eventos_campos"] = [
                    each for each in fields if each[0] != self._ids[key]
                ]
            for name, rows in document.rows.items():
                if name == "nf_processamento" or (name == "nf_eventos_campos" and other):
                    self.added.setdefault(name, []).extend((self._ids[key], row) for row in rows)
        content, rank_now = document.content_sha256, document.rank
        if known is not None:
            content, rank_now = content or known.content_sha256, max(rank_now, known.rank)
            if document.rank < known.rank:  # the row keeps what it has, and so its file
                file_name = known.file_name or file_name
        self._stored[key] = Stored(content, rank_now, file_name)


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom the notes of a chunk name."""

    newest: dict[tuple[str, Identity], tuple[str, Row]]
    """By role and party: dhEmi in UTC and the row of its newest note."""
    links: list[tuple[Row, int, Identity]]
    """A note's row, where in it the party's id belongs, and the party."""

    def values(self, papel: str) -> list[tuple[Value, ...]]:
        """In that role: PARTY_FIELDS, tipo_pessoa and dhEmi."""
        return [
            (*(row[at] for at in _PARTY), _tipo_pessoa(row), issued)
            for (role, _), (issued, row) in self.newest.items()
            if role == papel
        ]

    def link(self, ids: dict[Identity, int]) -> None:
        """Gives each note the ids of its parties."""
        for note, position, identity in self.links:
            note[position] = ids[identity]


def parties(documents: Iterable[Document]) -> Parties:
    """The parties that have a row in empresas."""
    newest: dict[tuple[str, Identity], tuple[str, Row]] = {}
    links: list[tuple[Row, int, Identity]] = []
    for document in documents:
        for row in document.rows.get("nf_partes", ()):
            papel = str(row[_PAPEL])
            identity = _identity(row)
            if papel not in LINKS or identity is None:
                continue
            links.append((document.rows["notas_fiscais"][0], LINKS[papel], identity))
            held = newest.get((papel, identity))
            if held is None or document.issued_utc >= held[0]:
                newest[papel, identity] = (document.issued_utc, row)
    return Parties(newest, links)


def _merged(earlier: Document, later: Document) -> Document:
    """Two files of one document that meet in a chunk."""
    if later.head == "notas_fiscais":
        answers = [
            *earlier.rows.get("nf_processamento", ()),
            *later.rows.get("nf_processamento", ()),
        ]
        rows = later.rows | ({"nf_processamento": answers} if answers else {})
        return replace(later, rows=rows)
    first, second = (later, earlier) if later.rank >= earlier.rank else (earlier, later)
    pairs = zip(first.rows[first.head][0], second.rows[first.head][0], strict=True)
    row: Row = [own if own is not None else other for own, other in pairs]
    return replace(first, rows={**second.rows, **first.rows, first.head: [row]})


def _identity(row: Row) -> Identity | None:
    """What tells a party from others; None for one that the note does not identify."""
    if row[_CPF_CNPJ]:
        return (row[_CPF_CNPJ], None, None)
    if row[_ID_ESTRANGEIRO] is not None and row[_NAME]:
        return (None, row[_ID_ESTRANGEIRO], row[_NAME])
    return None


def _tipo_pessoa(row: Row) -> str | None:
    number = row[_CPF_CNPJ]
    if not number:
        return None
    return "fisica" if len(str(number)) == 11 else "juridica"
