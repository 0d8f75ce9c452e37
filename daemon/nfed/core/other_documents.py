"""Declares what is asked about stored documents that are no notes: CT-e, MDF-e, NFS-e and the rest,
and ranges of numbers that nobody may use."""

from dataclasses import dataclass
from typing import Protocol

from nfed.core.ports import NoteFilter, NotePosition


@dataclass(frozen=True, slots=True)
class DocumentFilter(NoteFilter):
    """Chooses documents; of a CT-e's text its parties' names and numbers, and xJust."""

    tipo: str | None = None
    """The element that holds it: CTe, MDFe, NFSe, NFSeMunicipal …"""
    tomador: str | None = None
    """Who pays: CPF or CNPJ, without punctuation."""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A stored document as a list has it; amounts as exact decimals."""

    chave: str
    tipo: str | None
    modelo: str | None
    serie: str | None
    numero: int | None
    emitida_em: str | None
    """ISO 8601, with the issuer's offset where the document has one."""
    emitente: str | None
    """CPF or CNPJ."""
    emitente_nome: str | None
    destinatario: str | None
    destinatario_nome: str | None
    tomador: str | None
    tomador_nome: str | None
    valor_total: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class UnusedNumbers:
    """A range of numbers that the tax office was told of as never to be used."""

    identificador: str
    emitente: str | None
    """CPF or CNPJ."""
    ano: str | None
    """Its last two digits."""
    modelo: str | None
    serie: str | None
    numero_inicial: int | None
    numero_final: int | None
    justificativa: str | None
    ambiente: str | None
    status: str | None
    """solicitada, homologada or rejeitada."""
    recebida_em: str | None
    """When the tax office took it, ISO 8601."""
    protocolo: str | None


@dataclass(frozen=True, slots=True)
class Listed[Line]:
    """A page of a list; as ports.NotePage, it may hold less than was asked for and yet lead on."""

    lines: list[Line]
    next: NotePosition | None


@dataclass(frozen=True, slots=True)
class Related:
    """A document that cites another, or that is cited by it; it need not be stored."""

    sentido: str
    """cita or citado por: what the document that was asked about does."""
    relacao: str | None
    """referenciada, transportada, manifestada, anterior …"""
    chave: str
    especie: str | None
    """nfe, nfce, cte, mdfe …; None: not stored."""


class DocumentReader(Protocol):
    """Reads these beside whoever writes them. Raises StoreUnavailable."""

    async def documents(
        self, wanted: DocumentFilter, after: NotePosition | None, limit: int
    ) -> Listed[DocumentLine]:
        """At most `limit` documents; `after` is the `next` of the page before."""
        ...

    async def document(self, chave: str) -> dict[str, object] | None:
        """All that is stored of it but its XML, as ports.NoteReader tells a note."""
        ...

    async def document_xml(self, chave: str) -> str | None:
        """Its text as it was imported; None: not stored, or stored without it."""
        ...

    async def unused(
        self, wanted: NoteFilter, after: NotePosition | None, limit: int
    ) -> Listed[UnusedNumbers]:
        """Ranges of numbers, by when the tax office took them: `de` and `ate` are of that."""
        ...

    async def related(self, chave: str) -> list[Related]:
        """What a note or document cites and what cites it, at most 500 of them."""
        ...
