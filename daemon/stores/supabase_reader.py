"""A look at a Supabase project that changes nothing, for the commands."""

from daemon.core.verdict import Stored
from daemon.documents.document import Document, rank
from daemon.documents.layout import tables
from daemon.stores.postgres_reader import Seen
from daemon.stores.supabase import schema_in
from daemon.stores.supabase_project import Project


async def seen(url: str, key: str) -> Seen:
    """Looks. Raises StoreUnavailable or ConfigError."""
    project = Project(url, key, max_connections=1)
    try:
        return Seen(await schema_in(project), await project.count("notas_fiscais"))
    finally:
        await project.close()


async def stored(url: str, key: str, document: Document) -> Stored | None:
    """What the database knows of a document; None: nothing. Raises StoreUnavailable."""
    head = tables()[document.head]
    answered = ", codigo_status" if "codigo_status" in head.stored_names else ""
    columns = f"conteudo_sha256, numero_protocolo, arquivo_nome{answered}"
    assert head.key is not None
    project = Project(url, key, max_connections=1)
    try:
        found = await project.rows(head.name, columns, {head.key: document.key})
    finally:
        await project.close()
    if not found:
        return None
    row = {name: None if value is None else str(value) for name, value in found[0].items()}
    come = rank(row.get("codigo_status"), row["numero_protocolo"])
    return Stored(row["conteudo_sha256"], come, row["arquivo_nome"])
