"""The Supabase store: one call of one SQL function a chunk, over HTTPS.

`postgres_chunk` is the function; it stores the chunk in one transaction. Where an answer is lost,
the chunk is sent again and the documents are found to be duplicates.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from daemon.core.outcome import Outcome
from daemon.core.ports import Incoming
from daemon.errors import ConfigError, StoreUnavailable
from daemon.stores import migrations
from daemon.stores.importer import AsyncNFeImporter, NFeImporter, settings_for
from daemon.stores.migrations import VERSION_TABLE, SchemaState
from daemon.stores.supabase_chunk import Answer, is_answer, outcome, request, waves
from daemon.stores.supabase_project import (
    ANSWER_SECONDS,
    SCHEMA_ADVICE,
    Project,
    RequestTooLarge,
    StatementCancelled,
)

if TYPE_CHECKING:
    from daemon.settings import Settings

_MOST_DOCUMENTS = 1000
_SUCCESSES_TO_GROW = 20
_SMALL_BYTES = 1 << 20
"""A server that takes less than this in one request takes no documents at all."""


class SupabaseStore:
    """Documents in a Supabase project; see ports.Store.

    Over HTTPS nobody changes a schema: `open` only looks whether it is there.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        max_connections: int,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """No answer within `answer_seconds` counts as an outage."""
        self._url = url
        self._project = Project(
            url, key, max_connections=max_connections, answer_seconds=answer_seconds
        )
        self._most = _MOST_DOCUMENTS
        self._successes = 0
        """Since `_most` changed."""

    async def open(self) -> None:
        """Raises StoreUnavailable, or ConfigError: no schema or another one, or a wrong key."""
        state = await schema_in(self._project)
        if not state.known:
            raise ConfigError(migrations.newer(self._url, state))
        if not state.is_newest:
            found = "no schema that this key may see" if state.current is None else state.current
            raise ConfigError(
                f"database {self._url}: expected schema {state.newest}, found {found}; "
                f"{SCHEMA_ADVICE}"
            )

    async def close(self) -> None:
        """Hangs up."""
        await self._project.close()

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """See ports.Store. What the server finds too much at once goes in several transactions."""
        return [one for one, _ in await self.store_with_ids(incoming, job_id)]

    async def store_with_ids(
        self, incoming: Sequence[Incoming], job_id: str
    ) -> list[tuple[Outcome, int | None]]:
        """The same, each with the id of its stored document's row."""
        found: list[tuple[Outcome, int | None]] = []
        while len(found) < len(incoming):
            some = incoming[len(found) : len(found) + self._most]
            try:
                found += await self._store(some, job_id)
            except RequestTooLarge as error:
                if len(some) > 1:
                    self._at_most(len(some) // 2)
                elif error.size_bytes > _SMALL_BYTES:
                    raise
                else:  # the gateway is at fault, not the document
                    raise StoreUnavailable(str(error)) from error
            except StatementCancelled:
                self._at_most(len(some) // 2)
                raise
            except ConfigError as error:
                # It let us in at the start; whoever changed that may change it back.
                raise StoreUnavailable(str(error)) from error
            else:
                self._successes += 1
                if self._successes == _SUCCESSES_TO_GROW:
                    self._at_most(self._most * 2)
        return found

    def _at_most(self, documents: int) -> None:
        """In one call, until a call is too much or enough of them were not."""
        self._most = min(max(documents, 1), _MOST_DOCUMENTS)
        self._successes = 0

    async def _store(
        self, incoming: Sequence[Incoming], job_id: str
    ) -> list[tuple[Outcome, int | None]]:
        groups = waves(incoming, job_id)
        returned = await self._project.call("nfed_store", {"chunk": request(groups)})
        sent = [each for group in groups for each in group]
        answers = _answers(returned)
        if len(answers) != len(sent):
            raise StoreUnavailable(
                f"database {self._url}: expected {len(sent)} answers of nfed_store, found "
                f"{len(answers)}; nothing is lost, it is sent again"
            )
        by_document = {
            id(each.document): (outcome(each.document, answer), answer["id"])
            for each, answer in zip(sent, answers, strict=True)
        }
        return [by_document[id(each.document)] for each in incoming]


class AsyncSupabaseNFeImporter(AsyncNFeImporter):
    """Imports single files into a Supabase project over HTTPS.

    Without `url` and `key` it is the one that the settings name: NFED_SUPABASE_URL and
    NFED_SUPABASE_SERVICE_KEY, or SUPABASE_URL and SUPABASE_SERVICE_KEY.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        settings: "Settings | None" = None,
    ) -> None:
        """Raises ConfigError."""
        found = settings_for(
            "supabase",
            "a Supabase project: set NFED_SUPABASE_URL and NFED_SUPABASE_SERVICE_KEY",
            settings,
            supabase_url=url,
            supabase_service_key=key,
        )
        super().__init__(found, SupabaseStore(*found.supabase, max_connections=1))


class SupabaseNFeImporter(NFeImporter):
    """The same without an event loop."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        settings: "Settings | None" = None,
    ) -> None:
        """Raises ConfigError."""
        super().__init__(AsyncSupabaseNFeImporter(url, key, settings=settings))


async def schema_in(project: Project) -> SchemaState:
    """The version of the schema. Raises as Project.call."""
    found = await project.rows(VERSION_TABLE, "version_num")
    return migrations.state_of(str(found[0]["version_num"]) if found else None)


def _answers(returned: object) -> list[Answer]:
    """Raises StoreUnavailable for what the function never returns."""
    try:
        answers: list[Answer] = json.loads(returned) if isinstance(returned, str) else []
        if all(map(is_answer, answers)):
            return answers
    except (ValueError, TypeError, RecursionError):
        pass
    raise StoreUnavailable("nfed_store returned what is no answer of it")
