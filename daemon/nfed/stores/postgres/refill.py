"""Fills a PostgreSQL database by nfed_lacking and nfed_refill, over its own protocol or HTTPS.

See `stores.refill`.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence

from nfed.documents.document import Document
from nfed.errors import StoreUnavailable
from nfed.stores.postgres import schema
from nfed.stores.postgres.chunk import Object, json_of, rows_of
from nfed.stores.postgres.connection import connected
from nfed.stores.postgres.http import SupabaseStore
from nfed.stores.postgres.project import Project
from nfed.stores.refill import Page, Stale
from nfed.words import Message


class _CallingRefill(ABC):
    """What both callers share; see refill.Refillable."""

    @abstractmethod
    async def open(self) -> None:
        """Raises StoreUnavailable, or ConfigError: no schema, or another."""

    @abstractmethod
    async def close(self) -> None:
        """Hangs up."""

    @abstractmethod
    async def _call(self, function: str, name: str, argument: Object) -> object:
        """What the function returns for an argument of that name."""

    async def stale(self, most: int) -> Page:
        """See Refillable."""
        returned = await self._call("nfed_lacking", "busca", {"most": str(most)})
        try:
            found = json.loads(str(returned))
            documents = [
                Stale(int(each["id"]), str(each["key"]), str(each["xml"]))
                for each in found["documents"]
            ]
            return Page(documents, int(found["left"]), int(found["total"]))
        except (ValueError, TypeError, KeyError) as error:
            raise StoreUnavailable(
                Message("{function} returned what is no answer of it", function="nfed_lacking")
            ) from error

    async def fill(self, filled: Sequence[tuple[int, Document]], unreadable: Sequence[int]) -> None:
        """See Refillable."""
        documents = [document for _, document in filled]
        rows = rows_of(documents)
        rows.pop("dfe_documentos", None)
        chunk: Object = {
            "ids": [str(document_id) for document_id, _ in filled],
            "chaves": [document.chave for document in documents],
            "unreadable": [str(each) for each in unreadable],
            "rows": rows,
        }
        await self._call("nfed_refill", "chunk", chunk)


class PostgresRefill(_CallingRefill):
    """Over PostgreSQL's own protocol; `open` migrates."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        """See above."""
        await schema.ensure(self._url)

    async def close(self) -> None:
        """Each call has a connection of its own."""

    async def _call(self, function: str, name: str, argument: Object) -> object:
        async with connected(self._url) as connection:
            found: object = await connection.fetchval(
                f"select public.{function}({name} => $1::jsonb)", json_of(argument)
            )
            return found


class SupabaseRefill(_CallingRefill):
    """Over HTTPS; the schema must be there."""

    def __init__(self, url: str, key: str) -> None:
        self._store = SupabaseStore(url, key, max_connections=1)
        self._project = Project(url, key, max_connections=1)

    async def open(self) -> None:
        """See above."""
        try:
            await self._store.open()
        finally:
            await self._store.close()

    async def close(self) -> None:
        """Hangs up."""
        await self._project.close()

    async def _call(self, function: str, name: str, argument: Object) -> object:
        return await self._project.call(function, {name: argument})
