"""The SQL of the SQLite store, made from the layout once."""

from collections.abc import Iterable

from daemon.documents.layout_nota import EMPRESAS, NF_PARTES, NOTAS_FISCAIS

# A row of party fields: what nf_partes and empresas have in common.
PARTY_FIELDS = tuple(
    column.name
    for column in EMPRESAS.columns
    if column.name in {each.name for each in NF_PARTES.columns}
)
EMITENTE_ONLY = frozenset({"nome_fantasia", "regime_tributario", "inscricao_estadual_st", "cnae"})
DESTINATARIO_ONLY = frozenset({"inscricao_suframa", "email", "indicador_ie_destinatario"})
PROTOCOL = (
    "status",
    "tipo_ambiente_protocolo",
    "versao_aplicativo_recepcao",
    "numero_protocolo",
    "digest_value",
    "data_hora_recebimento",
    "data_hora_recebimento_tz",
    "codigo_status",
    "motivo_status",
    "xml_completo",
    "arquivo_nome",
    "arquivo_sha256",
    "job_id",
)


def insert(table: str, columns: Iterable[str], rows: int = 1) -> str:
    """Inserts so many rows at once; takes the named columns of one row after the other."""
    names = list(columns)
    row = f"({', '.join('?' * len(names))})"
    return f"insert into {table} ({', '.join(names)}) values {', '.join([row] * rows)}"


def update_protocol() -> tuple[str, tuple[int, ...]]:
    """Gives a stored note the protocol of another file of it.

    Takes the values at the returned positions of a notas_fiscais row, then the note's id.
    """
    assignments = ", ".join(
        # A cancellation that an event brought is not undone by the protocol.
        "status = case when status in ('cancelada', 'inutilizada') then status else ? end"
        if name == "status"
        else f"{name} = ?"
        for name in PROTOCOL
    )
    sql = f"update notas_fiscais set {assignments}, updated_at = current_timestamp where id = ?"
    return sql, tuple(NOTAS_FISCAIS.position(name) for name in PROTOCOL)


def upsert_party(papel: str) -> str:
    """Keeps a party as its newest note writes it, whatever the order of arrival.

    Takes PARTY_FIELDS, then tipo_pessoa and the note's dhEmi in UTC. What both roles can carry
    follows the newest note of either; what only one can, the newest in that role.
    """
    stamp = f"emissao_como_{papel}"
    both = (
        "max(coalesce(empresas.emissao_como_emitente, ''), "
        "coalesce(empresas.emissao_como_destinatario, ''))"
    )
    own = f"coalesce(empresas.{stamp}, '')"
    other_only = DESTINATARIO_ONLY if papel == "emitente" else EMITENTE_ONLY
    own_only = EMITENTE_ONLY if papel == "emitente" else DESTINATARIO_ONLY
    names = [*PARTY_FIELDS, "tipo_pessoa"]
    sets = [
        # Only ISUFEmit is there for the other role as well, and seldom.
        f"{name} = coalesce(empresas.{name}, excluded.{name})"
        if name in other_only
        else f"{name} = case when excluded.{stamp} >= {own if name in own_only else both} "
        f"then excluded.{name} else empresas.{name} end"
        for name in names
        if name not in ("cpf_cnpj", "id_estrangeiro")
    ]
    sets.append(f"{stamp} = max(excluded.{stamp}, {own})")
    marks = ", ".join("?" * (len(names) + 1))
    update = f"do update set {', '.join(sets)}"
    return (
        f"insert into empresas ({', '.join(names)}, {stamp}) values ({marks}) "
        f"on conflict (cpf_cnpj) {update} "
        f"on conflict (id_estrangeiro, razao_social) where cpf_cnpj is null {update}"
    )
