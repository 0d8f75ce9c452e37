"""The Supabase store: a chunk is one call of nfed_store over HTTPS.

What is stored is decided and written by the same function as over PostgreSQL's own protocol, see
`store`. Where an answer is lost, the chunk is sent again and the documents are found to be
duplicates.
"""

from nfed.core.outcome import Stored
from nfed.documents.document import Document
from nfed.documents.layout import tables
from nfed.errors import ConfigError
from nfed.stores import migrations
from nfed.stores.chunk import Known, answered_about
from nfed.stores.migrations import VERSION_TABLE, SchemaState
from nfed.stores.postgres.chunk import Object
from nfed.stores.postgres.project import ANSWER_SECONDS, SCHEMA_ADVICE, Project
from nfed.stores.postgres.store import CallingStore, Look
from nfed.words import Message

_TOLD = ("codigo_status", "digest_value", "digest_assinatura", "tipo", "especie")
"""Of a stored document, where its table has them."""


class SupabaseStore(CallingStore):
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
        super().__init__()
        self._url = url
        self._project = Project(
            url, key, max_connections=max_connections, answer_seconds=answer_seconds
        )

    async def open(self) -> None:
        """Raises StoreUnavailable, or ConfigError: no schema or another one, or a wrong key."""
        state = await _schema_in(self._project)
        if not state.known:
            raise ConfigError(migrations.newer(self._url, state))
        if not state.is_newest:
            found = "no schema that this key may see" if state.current is None else state.current
            raise ConfigError(
                Message(
                    "database {url}: expected schema {newest}, found {found}; {schema_advice}",
                    url=self._url,
                    newest=state.newest,
                    found=found,
                    schema_advice=SCHEMA_ADVICE,
                )
            )

    async def close(self) -> None:
        """Hangs up."""
        await self._project.close()

    async def _call(self, chunk: Object) -> object:
        return await self._project.call("nfed_store", {"chunk": chunk})


async def look(url: str, key: str) -> Look:
    """Looks, and changes nothing. Raises StoreUnavailable or ConfigError."""
    project = Project(url, key, max_connections=1)
    try:
        return Look(await _schema_in(project), await project.count("notas_fiscais"))
    finally:
        await project.close()


async def stored(url: str, key: str, document: Document) -> Stored | None:
    """What the database knows of a document; None: nothing. Raises StoreUnavailable."""
    head = tables()[document.head]
    columns = ["id", "conteudo_sha256", "numero_protocolo", "arquivo_nome", "status"]
    columns += [name for name in _TOLD if name in head.stored_names]
    assert head.key is not None
    project = Project(url, key, max_connections=1)
    try:
        if not (await _schema_in(project)).is_newest:  # of an older nfed
            columns = [name for name in columns if name != "digest_assinatura"]
        found = await project.rows(head.name, ", ".join(columns), {head.key: document.key})
    finally:
        await project.close()
    if not found:
        return None
    row = {name: None if value is None else str(value) for name, value in found[0].items()}
    answered, codigo_status = answered_about(head.name, row)
    return Known(
        document.key,
        int(str(row["id"])),
        row["conteudo_sha256"],
        codigo_status,
        row["numero_protocolo"],
        answered,
        row.get("digest_value"),
        row.get("digest_assinatura"),
        row["status"],
        row["arquivo_nome"],
    ).stored


async def _schema_in(project: Project) -> SchemaState:
    """The version of the schema. Raises as Project.call."""
    found = await project.rows(VERSION_TABLE, "version_num")
    return migrations.state_of(str(found[0]["version_num"]) if found else None)
