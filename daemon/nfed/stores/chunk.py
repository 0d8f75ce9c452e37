"""Decides for SQLite what store.sql decides for PostgreSQL; touches no database.

A store looks up what it knows of `wanted` keys, makes a `Chunk` of it, and writes what that holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nfed.core.escape import escaped
from nfed.core.outcome import (
    Duplicate,
    Imported,
    Outcome,
    Stored,
    Updated,
    is_event,
    is_other_content,
    verdict,
)
from nfed.core.ports import Incoming
from nfed.documents.checks import Finding
from nfed.documents.document import Document
from nfed.documents.layout import EVENT_FIELDS, positions, tables
from nfed.documents.layout.columns import Table
from nfed.documents.layout.nota import EMPRESAS, NF_PARTES, NOTAS_FISCAIS
from nfed.documents.rows.extract import Row, Value
from nfed.documents.standing import ENDED, Answered, accepts, least_accepted, rank
from nfed.stores.sql import statement
from nfed.words import Message

PARTY_FIELDS = tuple(
    column.name
    for column in EMPRESAS.columns
    if column.name in {each.name for each in NF_PARTES.columns}
)
"""What a note says of a party that empresas keeps."""
LINKS = {papel: NOTAS_FISCAIS.position(f"{papel}_id") for papel in ("emitente", "destinatario")}
"""Where in a note's row the id of its party stands."""
_PARTY = tuple(NF_PARTES.position(name) for name in PARTY_FIELDS)
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_ID_ESTRANGEIRO = NF_PARTES.position("id_estrangeiro")
_NAME = NF_PARTES.position("razao_social")
_PAPEL = NF_PARTES.position("papel")
_REGISTERS = ("nf_eventos", "nf_inutilizacoes")
_PROTOCOL_ALONE = "protocolo"
_ACCEPTED = least_accepted(Answered.DOCUMENT)

type Identity = tuple[Value, Value, Value]
"""A CPF or CNPJ; or, for a foreigner, None, the passport or number, and the name."""
type Key = tuple[str, str]
"""Head table and key."""


@dataclass(frozen=True, slots=True)
class Known:
    """A stored document, as a row of `look_up`."""

    key: str
    document_id: int
    content_sha256: str | None
    codigo_status: str | None
    numero_protocolo: str | None
    answered: str
    """A standing.Answered."""
    digest_value: str | None
    digest_assinatura: str | None
    status: str | None
    file_name: str | None

    @property
    def stored(self) -> Stored:
        """What `verdict` asks for."""
        answered = Answered(self.answered)
        furthest = rank(self.codigo_status, self.numero_protocolo, answered)
        protocol_digest = (self.digest_value or "").strip()
        return Stored(
            self.content_sha256,
            furthest,
            self.file_name,
            self.status,
            accepts(furthest, answered, protocol_digest, self.digest_assinatura),
        )


def look_up(head: Table, keys: str, public: str = "", *, is_newest: bool = True) -> str:
    """The query for `Known`: what is stored under the keys of a source of rows with `key`.

    Without `is_newest` it does with the columns of older schemas.
    """
    assert head.key is not None
    codigo_status = "h.codigo_status" if "codigo_status" in head.stored_names else "null"
    answered = "'evento'" if head.name in _REGISTERS else "'documento'"
    if head.name == "dfe_documentos":
        codigo_status, answered = statement("known_status.sql"), statement("known_answered.sql")
    return statement(
        "known.sql",
        public=public,
        head=head.name,
        key=head.key,
        keys=keys,
        codigo_status=codigo_status,
        answered=answered,
        **{
            name: f"h.{name}" if name in head.stored_names and is_there else "null"
            for name, is_there in (("digest_value", True), ("digest_assinatura", is_newest))
        },
    )


def answered_about(head: str, row: Mapping[str, str | None]) -> tuple[Answered, str | None]:
    """What `look_up` makes of a stored row, for who has the row: Known.answered, and its cStat."""
    codigo_status = row.get("codigo_status")
    if head in _REGISTERS:
        return Answered.EVENT, codigo_status
    if head != "dfe_documentos":
        return Answered.DOCUMENT, codigo_status
    tipo = row["tipo"] or ""
    codigo_status = {"NFSe": "100", "eventoNFSe": "135"}.get(tipo, codigo_status)
    if row["especie"] == "evento":
        return Answered.EVENT, codigo_status
    return Answered.MDFE if tipo.endswith("MDFe") else Answered.DOCUMENT, codigo_status


def wanted(documents: Iterable[Document]) -> dict[str, set[str]]:
    """By head table, the keys to look up; what is stored of a summary itself comes first."""
    found: dict[str, set[str]] = {}
    for document in documents:
        found.setdefault(document.head, set()).add(document.key)
        if document.head == "nf_resumos":
            # The whole document, if it is there, stands for its summary.
            found.setdefault("nf_eventos", set()).add(document.key)
            found.setdefault("notas_fiscais", set()).add(document.chave)
    return found


def in_order(incoming: Sequence[Incoming]) -> list[int]:
    """The places of a chunk's documents in the order in which they are to be looked at.

    It is the order in which they come, but for two: protocols that stand alone come first, as they
    tell which of two contents under one key was accepted; and of two contents of a document, the
    one that was accepted comes first. So the same files end alike in any order.
    """
    documents = [each.document for each in incoming]
    accepted_digests = vouched(documents)
    contents: dict[Key, set[str]] = {}
    for each in documents:
        if each.content_sha256 is not None and not is_event(each):
            contents.setdefault((each.head, each.key), set()).add(each.content_sha256)

    def place(number: int) -> tuple[int, int]:
        each = documents[number]
        if is_protocol_alone(each):
            return 0, 0
        if len(contents.get((each.head, each.key), ())) < 2:
            return 1, 0
        accepted = each.is_accepted or (each.chave, each.signed_digest) in accepted_digests
        return 1, -1 if accepted else 0

    first: list[int] = []
    later: list[int] = []
    for number in range(len(documents)):
        (later if place(number)[0] else first).append(number)
    # Among the others only those of two contents change places, and only with one another.
    rivals: dict[Key, list[int]] = {}
    for number in later:
        each = documents[number]
        if len(contents.get((each.head, each.key), ())) > 1:
            rivals.setdefault((each.head, each.key), []).append(number)
    moved = {
        at: number
        for places in rivals.values()
        for at, number in zip(places, sorted(places, key=place), strict=True)
    }
    return first + [moved.get(number, number) for number in later]


def vouched(documents: Iterable[Document]) -> set[tuple[str, str | None]]:
    """By chave, the digests of content that protocols among these accept."""
    return {
        (each.chave, each.text("digest_value"))
        for each in documents
        if is_protocol_alone(each) and each.rank > 1 and each.text("digest_value")
    }


def is_protocol_alone(document: Document) -> bool:
    """True for a protocol, or what a consultation answered, without its document."""
    return document.head == "nf_protocolos" or (
        document.head == "dfe_documentos" and document.text("especie") == _PROTOCOL_ALONE
    )


@dataclass(frozen=True, slots=True)
class OtherDigest:
    """A protocol by itself that is for other content than that of the stored document."""

    protocol_file: str | None
    digest: str
    document_file: str | None


def with_other_digests(
    incoming: Sequence[Incoming], outcomes: Sequence[Outcome], told: Mapping[str, OtherDigest]
) -> list[Outcome]:
    """Adds to what came of a note and a protocol that each is for other content than the other."""
    return [
        with_other_digest(each.document, outcome, told.get(each.document.chave))
        for each, outcome in zip(incoming, outcomes, strict=True)
    ]


def with_other_digest(document: Document, outcome: Outcome, told: OtherDigest | None) -> Outcome:
    """The same for one of them; `told` is None where there is nothing to say."""
    is_one_of_them = document.head == "notas_fiscais" or (
        document.head == "dfe_documentos" and not is_event(document)
    )
    if told is None or not (is_one_of_them or is_protocol_alone(document)):
        return outcome
    if isinstance(outcome, Imported | Updated | Duplicate):
        text = Message(
            "the protocol of file {protocol_file!r} names the digest {digest}, which is not that "
            "of the document stored from file {document_file!r}; it says nothing of that one",
            protocol_file=told.protocol_file,
            digest=told.digest,
            document_file=told.document_file,
        )
        found = Finding("SIG-PROTOCOL", text)
        return replace(outcome, findings=(*outcome.findings, found))
    return outcome


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
    """Keeps what is known of a chunk's documents while they are written."""

    def __init__(self, known: Iterable[tuple[str, Known]]) -> None:
        """Takes what is stored, each with its head table."""
        self.new: dict[Key, Document] = {}
        self.updates: list[tuple[Document, int, bool]] = []
        """Document, id of the stored one, whether it has come further than that."""
        self.superseding: dict[Key, tuple[Document, int]] = {}
        """Document, and the id of the stored one whose place it takes."""
        self.added: dict[str, list[tuple[int, Row]]] = {}
        """By table: parent's id and row, of documents that are stored already."""
        self.emptied: dict[str, list[int]] = {}
        """By table of events: ids of those that another attempt replaces: their fields go first."""
        self._stored: dict[Key, Stored] = {}
        self._ids: dict[Key, int] = {}
        self._vouched: set[tuple[str, str | None]] = set()
        for head, each in known:
            self._stored[head, each.key] = each.stored
            self._ids[head, each.key] = each.document_id

    def rivals(self, incoming: Iterable[Incoming]) -> set[str]:
        """The keys of documents about which stored protocols may have to decide."""
        return {
            each.document.chave
            for each in incoming
            if not each.document.is_accepted
            and (known := self.known(each.document)) is not None
            and not known.is_accepted
            and is_other_content(each.document, known)
        }

    def vouch(self, digests: Iterable[tuple[str, str]]) -> None:
        """Adds, by chave, digests of what stored protocols accept."""
        self._vouched.update(digests)

    def settle(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """An outcome for each document, in the order of `incoming`."""
        outcomes: dict[int, Outcome] = {}
        self._vouched |= vouched(each.document for each in incoming)
        for number in in_order(incoming):
            each = incoming[number]
            document = each.document
            at = positions(document.head)
            row = document.rows[document.head][0]
            file_name = escaped(each.file_name)
            row[at["arquivo_nome"]] = file_name
            row[at["job_id"]] = job_id
            outcome = self._replaced(document) or verdict(
                document,
                self.known(document),
                is_vouched_for=self._vouches_for(document),
            )
            outcomes[number] = outcome
            if isinstance(outcome, Imported | Updated):
                self._take(document, file_name, isinstance(outcome, Updated) and outcome.superseded)
        return [outcomes[number] for number in range(len(incoming))]

    @property
    def chaves(self) -> dict[str, list[str]]:
        """By head table: the keys that new and renewed documents are about."""
        found: dict[str, list[str]] = {}
        documents = (
            *self.new.values(),
            *(document for document, _ in self.superseding.values()),
            *(document for document, _, _ in self.updates),
        )
        for document in documents:
            found.setdefault(document.head, []).append(document.chave)
        return found

    def known(self, document: Document) -> Stored | None:
        """Looks up what is stored, or about to be, under the document's key."""
        return self._stored.get((document.head, document.key))

    def _replaced(self, document: Document) -> Outcome | None:
        """A summary whose whole document is stored needs no place of its own."""
        if document.head != "nf_resumos":
            return None
        whole = self._stored.get(("nf_eventos", document.key))
        if whole is not None and not whole.is_accepted:
            whole = None  # an attempt, of whose registration the summary tells
        if whole is None and document.key.startswith("resNFe-") and document.key.endswith("-1"):
            whole = self._stored.get(("notas_fiscais", document.chave))
            if whole is not None and whole.content_sha256 is not None and whole.rank < _ACCEPTED:
                whole = None
        if whole is None:
            return None
        return Duplicate(document.chave, whole.file_name, document.findings)

    def _take(self, document: Document, file_name: str, takes_the_place: object) -> None:
        """A document that is new, or brings something new to the one that is known."""
        key = (document.head, document.key)
        known = self._stored.get(key)
        if known is None or (takes_the_place and key in self.new):
            self.new[key] = document
        elif takes_the_place:
            self._supersede(key, document)
        elif key in self.new:  # both files in one chunk
            self.new[key] = _merged(self.new[key], document)
        else:
            self._update(key, document, known)
        content, rank_now, status = document.content_sha256, document.rank, document.status
        is_accepted = document.is_accepted or self._vouches_for(document)
        if known is not None and not takes_the_place:
            content = known.content_sha256 or content
            is_accepted = is_accepted or known.is_accepted
            if document.rank < known.rank:  # the row keeps what it has, and so its file
                rank_now, status = known.rank, known.status
                file_name = known.file_name or file_name
        if known is not None and known.status in ENDED:
            status = known.status
        self._stored[key] = Stored(content, rank_now, file_name, status, is_accepted)

    def _vouches_for(self, document: Document) -> bool:
        return (document.chave, document.signed_digest) in self._vouched

    def _supersede(self, key: Key, document: Document) -> None:
        own = self._ids[key]
        self.superseding[key] = document, own
        self.updates = [each for each in self.updates if (each[0].head, each[0].key) != key]
        for name, rows in self.added.items():
            if tables()[name].parent == document.head:
                self.added[name] = [each for each in rows if each[0] != own]

    def _update(self, key: Key, document: Document, known: Stored) -> None:
        own = self._ids[key]
        self.updates.append((document, own, document.rank >= known.rank))
        brings_the_text = document.content_sha256 is not None and known.content_sha256 is None
        fields = EVENT_FIELDS.get(document.head)
        if brings_the_text and fields is not None:
            self.emptied.setdefault(document.head, []).append(own)
            earlier = self.added.get(fields, ())
            self.added[fields] = [each for each in earlier if each[0] != own]
        for name, rows in document.rows.items():
            if name == "nf_processamento" or (name == fields and brings_the_text):
                self.added.setdefault(name, []).extend((own, row) for row in rows)


@dataclass(frozen=True, slots=True)
class Parties:
    """The parties that the notes of a chunk name."""

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
    """Identifies a party; None for one that the note does not identify."""
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
