"""Reads stored documents that are no notes, and ranges of numbers; the same way for every store."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from nfed.core.other_documents import DocumentFilter, DocumentLine, Listed, Related, UnusedNumbers
from nfed.core.ports import NoteFilter, NotePosition
from nfed.stores import lists
from nfed.stores.lists import MOST_SCANNED, Row, page_of
from nfed.stores.lists.listings import DOCUMENTS, UNUSED
from nfed.stores.notes import Rows, nested, readable

MOST_RELATED = 500


class Source(lists.Source, Protocol):
    """What a store answers a question from; rows as in stores.notes. Raises StoreUnavailable."""

    async def document(self, chave: str) -> Rows:
        """The document's row, and those of every table below it."""
        ...

    async def document_xml(self, chave: str) -> str | None:
        """See DocumentReader."""
        ...

    async def related(self, chave: str) -> Sequence[Row]:
        """Rows of relacionados.sql, at most MOST_RELATED."""
        ...


class Documents(ABC):
    """See core.other_documents.DocumentReader."""

    most_scanned = MOST_SCANNED
    """How many rows are looked at for one page of a list, at most."""

    @abstractmethod
    def _reading(self) -> AbstractAsyncContextManager[Source]:
        """A source for one question."""

    async def documents(
        self, wanted: DocumentFilter, after: NotePosition | None, limit: int
    ) -> Listed[DocumentLine]:
        """See DocumentReader."""
        async with self._reading() as source:
            rows, end = await page_of(source, DOCUMENTS, wanted, after, limit, self.most_scanned)
            return Listed([_line(row) for row in rows], end)

    async def document(self, chave: str) -> dict[str, object] | None:
        """See DocumentReader."""
        async with self._reading() as source:
            return nested("dfe_documentos", await source.document(chave))

    async def document_xml(self, chave: str) -> str | None:
        """See DocumentReader."""
        async with self._reading() as source:
            return await source.document_xml(chave)

    async def unused(
        self, wanted: NoteFilter, after: NotePosition | None, limit: int
    ) -> Listed[UnusedNumbers]:
        """See DocumentReader."""
        async with self._reading() as source:
            rows, end = await page_of(source, UNUSED, wanted, after, limit, self.most_scanned)
            return Listed([_numbers(row) for row in rows], end)

    async def related(self, chave: str) -> list[Related]:
        """See DocumentReader."""
        async with self._reading() as source:
            return [
                Related(
                    str(row["sentido"]),
                    _text(row, "relacao"),
                    str(row["chave"]),
                    _text(row, "especie"),
                )
                for row in await source.related(chave)
            ]


def _line(row: Row) -> DocumentLine:
    said = readable("dfe_documentos", row)
    return DocumentLine(
        chave=str(row["chave_acesso"]),
        tipo=_text(said, "tipo"),
        modelo=_text(said, "modelo"),
        serie=_text(said, "serie"),
        numero=_number(said, "numero"),
        emitida_em=_text(said, "data_hora_emissao"),
        emitente=_text(said, "emitente_cpf_cnpj"),
        emitente_nome=_text(said, "emitente_nome"),
        destinatario=_text(said, "destinatario_cpf_cnpj"),
        destinatario_nome=_text(said, "destinatario_nome"),
        tomador=_text(said, "tomador_cpf_cnpj"),
        tomador_nome=_text(said, "tomador_nome"),
        valor_total=_text(said, "valor_total"),
        status=_text(said, "status"),
    )


def _numbers(row: Row) -> UnusedNumbers:
    said = readable("nf_inutilizacoes", row)
    return UnusedNumbers(
        identificador=str(row["identificador"]),
        emitente=_text(said, "cpf_cnpj"),
        ano=_text(said, "ano"),
        modelo=_text(said, "modelo"),
        serie=_text(said, "serie"),
        numero_inicial=_number(said, "numero_inicial"),
        numero_final=_number(said, "numero_final"),
        justificativa=_text(said, "justificativa"),
        ambiente=_text(said, "tipo_ambiente"),
        status=_text(said, "status"),
        recebida_em=_text(said, "data_hora_recebimento"),
        protocolo=_text(said, "numero_protocolo"),
    )


def _text(said: dict[str, object], name: str) -> str | None:
    value = said.get(name)
    if value is None:
        return None
    # A moment without an offset is the clock's text, which has a blank where ISO 8601 has a T.
    return str(value).replace(" ", "T") if name.startswith("data_hora") else str(value)


def _number(said: dict[str, object], name: str) -> int | None:
    value = said.get(name)
    return None if value is None else int(str(value))
