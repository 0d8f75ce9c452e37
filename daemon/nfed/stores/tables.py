"""Turns the layout into SQLAlchemy Core tables, for migrations and the data dictionary.

One set of tables for SQLite and PostgreSQL. What differs is how a type is spelled:

| kind | SQLite | PostgreSQL |
|---|---|---|
| Text | VARCHAR(n), a note only | text: what breaks the XSD by its length is stored all the same |
| Number | NUMERIC(p, s), affinity | numeric, unbounded: every digit as written, and no rounding |
| Moment | DATETIME and TEXT with its offset | timestamp (wall clock) and timestamptz (instant) |
| Integer, id | INTEGER | bigint |

PostgreSQL has no `<name>_exato` twins: there the number itself is exact.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Table,
)
from sqlalchemy import Date as SqlDate
from sqlalchemy import Integer as SqlInteger
from sqlalchemy import Text as SqlText
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine, UserDefinedType

from nfed.documents.layout import head_of, tables
from nfed.documents.layout.columns import Column as LayoutColumn
from nfed.documents.layout.columns import Date, Day, Integer, Kind, Moment, Month, Number, Text
from nfed.documents.layout.columns import Table as LayoutTable
from nfed.stores.sql import statement

_CHECKS: dict[str, dict[str, tuple[str, ...]]] = {
    "empresas": {"tipo_pessoa": ("fisica", "juridica")},
    "notas_fiscais": {
        "status": (
            "emitida",
            "autorizada",
            "cancelada",
            "denegada",
            "rejeitada",
            "inutilizada",
        )
    },
    "nf_referencias": {"tipo": ("nfe", "nfce", "modelo1", "cte", "nfp", "ecf")},
    "nf_processamento": {
        "tipo_processamento": ("autorizacao", "cancelamento", "inutilizacao", "cce")
    },
}


_INDEXES = (
    ("ux_empresas_cpf_cnpj", "empresas", ("cpf_cnpj",)),
    ("ix_notas_fiscais_emitente", "notas_fiscais", ("emitente_id", "data_hora_emissao")),
    ("ix_notas_fiscais_destinatario", "notas_fiscais", ("destinatario_id", "data_hora_emissao")),
    ("ix_notas_fiscais_emissao", "notas_fiscais", ("data_hora_emissao",)),
    ("ix_notas_fiscais_numero", "notas_fiscais", ("numero_nf", "data_hora_emissao")),
    ("ix_notas_fiscais_valor", "notas_fiscais", ("valor_total_nota",)),
    ("ix_dfe_documentos_emissao", "dfe_documentos", ("data_hora_emissao",)),
    ("ix_dfe_documentos_emitente", "dfe_documentos", ("emitente_cpf_cnpj", "data_hora_emissao")),
    (
        "ix_dfe_documentos_destinatario",
        "dfe_documentos",
        ("destinatario_cpf_cnpj", "data_hora_emissao"),
    ),
    ("ix_dfe_documentos_numero", "dfe_documentos", ("numero", "data_hora_emissao")),
    ("ix_dfe_documentos_valor", "dfe_documentos", ("valor_total",)),
    ("ix_nfse_numero_nfse_substituida", "nfse", ("numero_nfse_substituida",)),
    ("ix_nf_inutilizacoes_recebimento", "nf_inutilizacoes", ("data_hora_recebimento",)),
    ("ix_dfe_referencias_chave_acesso", "dfe_referencias", ("chave_acesso",)),
    ("ix_mdfe_documentos_chave_acesso", "mdfe_documentos", ("chave_acesso",)),
    ("ix_nf_referencias_chave_acesso", "nf_referencias", ("chave_acesso_referenciada",)),
    ("ix_nf_referencias_chave_cte", "nf_referencias", ("chave_acesso_cte",)),
)
# SQLite does without: there each of them costs an import more than it saves a reader.
_POSTGRES_INDEXES = (
    ("ix_notas_fiscais_status", "notas_fiscais", ("status", "data_hora_emissao")),
    ("ix_nf_itens_ncm", "nf_itens", ("ncm",)),
    ("ix_nf_itens_cfop", "nf_itens", ("cfop",)),
)

VIEWS = (
    "vw_notas_fiscais_resumo",
    "vw_nf_itens_completo",
    "vw_documentos",
    "vw_documentos_relacionados",
)
REPLACED_VIEWS = ("vw_notas_fiscais_resumo",)
"""Views whose query was another until schema 0003; where a database holds that, it is replaced."""
DELIVERIES, DELIVERED = "nfed_entregas", "nfed_entregues"
UPDATED = ("empresas", "notas_fiscais")
"""Tables whose updated_at a trigger keeps."""


class Backend(StrEnum):
    """The databases that tables are made for."""

    SQLITE = "sqlite"
    POSTGRES = "postgresql"


class Instant(UserDefinedType[str]):
    """A moment: timestamptz in PostgreSQL; in SQLite ISO 8601 text with its offset."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """SQLite's spelling."""
        return "TEXT"


class Varchar(UserDefinedType[str]):
    """Text with the length that the XSD allows, which SQLite keeps as a note."""

    cache_ok = True

    def __init__(self, length: int) -> None:
        self.length = length

    def get_col_spec(self, **_: object) -> str:
        """SQLite's spelling."""
        return f"VARCHAR({self.length})"


class Amount(UserDefinedType[str]):
    """A decimal with the digits that the XSD allows, which SQLite keeps as a note."""

    cache_ok = True

    def __init__(self, digits: int, places: int) -> None:
        self.digits = digits
        self.places = places

    def get_col_spec(self, **_: object) -> str:
        """SQLite's spelling."""
        return f"NUMERIC({self.digits}, {self.places})"


class Whole(BigInteger):
    """A whole number that fits the 32 bits of an existing database as well."""


class Utc(FunctionElement[Any]):
    """The time by the clock in UTC, without an offset."""

    inherit_cache = True
    name = "utc"


def _spell(kind: type[Any], spelling: str) -> None:
    @compiles(kind, Backend.POSTGRES)
    def _compile(*_: object, **__: object) -> str:
        return spelling


_spell(Instant, "TIMESTAMP WITH TIME ZONE")
_spell(Varchar, "TEXT")
_spell(Amount, "NUMERIC")
_spell(Utc, "(now() AT TIME ZONE 'utc')")
compiles(Utc, Backend.SQLITE)(lambda *_, **__: "CURRENT_TIMESTAMP")


def stored_columns(table: LayoutTable, backend: Backend) -> dict[str, int]:
    """The columns that hold a row's values, and where in a row each of the values stands."""
    return {
        name: position
        for position, (column, name) in enumerate(
            ((column, name) for column in table.columns for name in column.stored_names), 1
        )
        if backend is Backend.SQLITE or name == column.name or isinstance(column.kind, Moment)
    }


def below(head: str) -> list[LayoutTable]:
    """The tables below one of documents, parents before their children."""
    return [table for name, table in tables().items() if name != head and head_of(name) == head]


def view(name: str, public: str = "") -> str:
    """The query of one of VIEWS; `public` stands before every table's name."""
    return statement(f"views/{name}.sql", public=public)


def view_until_0003(name: str, public: str = "") -> str:
    """The query that one of REPLACED_VIEWS had."""
    return statement(f"views/{name}.until_0003.sql", public=public)


def metadata(backend: Backend, schema: str | None = None) -> MetaData:
    """All tables of the main database; with a schema, every name in them has it."""
    made = MetaData(schema=schema)
    by_name = {table.name: _add(made, table, backend) for table in tables().values()}
    for table in tables().values():
        _index_key(by_name[table.name], table)
    postgres = _POSTGRES_INDEXES if backend is Backend.POSTGRES else ()
    for name, table_name, columns in (*_INDEXES, *postgres):
        columns_of = by_name[table_name].c
        Index(name, *(columns_of[each] for each in columns), unique=name.startswith("ux_"))
    parties = by_name["empresas"]
    abroad = parties.c.cpf_cnpj.is_(None)
    Index(
        "ux_empresas_estrangeiro",
        parties.c.id_estrangeiro,
        parties.c.razao_social,
        unique=True,
        sqlite_where=abroad,
        postgresql_where=abroad,
    )
    _add_deliveries(made, whole=SqlInteger if backend is Backend.SQLITE else Whole)
    if backend is Backend.POSTGRES:
        instalments = by_name["nf_duplicatas"]
        Index(
            "ix_nf_duplicatas_a_pagar",
            instalments.c.data_vencimento,
            postgresql_where=instalments.c.data_pagamento.is_(None),
        )
    return made


def _add_deliveries(made: MetaData, whole: type[TypeEngine[Any]]) -> None:
    """The tables of `stores.deliveries`, which are of no document."""
    Table(
        DELIVERIES,
        made,
        Column("id", whole, Identity(), primary_key=True),
        Column("nome", SqlText, nullable=False),
        Column("numero", whole, nullable=False),
        Column("passo", SqlText, nullable=False),
        Column("created_at", DateTime, server_default=Utc()),
        Index("ux_nfed_entregas_nome_numero", "nome", "numero", unique=True),
    )
    Table(
        DELIVERED,
        made,
        Column("id", whole, Identity(), primary_key=True),
        Column("nome", SqlText, nullable=False),
        Column("chave_acesso", SqlText, nullable=False),
        Column("estado", SqlText, nullable=False),
        Column("numero", whole, nullable=False),
        Column("situacao", SqlText, nullable=False),
        Index("ux_nfed_entregues_nome_chave", "nome", "chave_acesso", unique=True),
        Index("ix_nfed_entregues_numero", "nome", "numero", "chave_acesso"),
    )


def _add(made: MetaData, table: LayoutTable, backend: Backend) -> Table:
    whole = SqlInteger if backend is Backend.SQLITE else Whole
    prefix = "" if made.schema is None else f"{made.schema}."
    columns: list[Column[Any]] = [Column("id", whole, Identity(), primary_key=True)]
    if table.parent is not None and table.link is not None:
        columns.append(
            Column(
                table.link,
                whole,
                ForeignKey(f"{prefix}{table.parent}.id", ondelete="CASCADE"),
                nullable=False,
            )
        )
    stored = stored_columns(table, backend)
    for column in table.columns:
        first, *twins = column.stored_names
        columns.append(_column(table, column, first, whole, prefix))
        columns += [_twin(column.kind, twin) for twin in twins if twin in stored]
    columns.append(Column("created_at", DateTime, server_default=Utc()))
    if table.name in UPDATED:
        columns.append(Column("updated_at", DateTime, server_default=Utc()))
    checks = [
        CheckConstraint(f"{name} in ({', '.join(repr(value) for value in values)})")
        for name, values in _CHECKS.get(table.name, {}).items()
    ]
    made_table = Table(table.name, made, *columns, *checks)
    if table.link is not None:
        Index(f"ix_{table.name}_{table.link}", made_table.c[table.link])
    return made_table


def _index_key(made_table: Table, table: LayoutTable) -> None:
    """A document is there once; what is not a note is also found by the note's key."""
    if table.key is None:
        return
    Index(f"ux_{table.name}_{table.key}", made_table.c[table.key], unique=True)
    if table.key != "chave_acesso" and "chave_acesso" in made_table.c:
        Index(f"ix_{table.name}_chave_acesso", made_table.c.chave_acesso)


def _column(
    table: LayoutTable, column: LayoutColumn, name: str, whole: type[TypeEngine[Any]], prefix: str
) -> Column[Any]:
    is_party = name in ("emitente_id", "destinatario_id")
    references = (ForeignKey(f"{prefix}empresas.id"),) if is_party else ()
    required = name == table.key
    return Column(name, _type(column.kind, whole), *references, nullable=not required)


def _twin(kind: Kind, name: str) -> Column[Any]:
    return Column(name, Instant() if isinstance(kind, Moment) else SqlText())


def _type(kind: Kind, whole: type[TypeEngine[Any]]) -> TypeEngine[Any]:
    match kind:
        case Text(length=None):
            return SqlText()
        case Text(length=int() as length):
            return Varchar(length)
        case Number(digits=digits, places=places):
            return Amount(digits, places)
        case Integer(big=True):
            return BigInteger()
        case Integer():
            return whole()
        case Date() | Day():
            return SqlDate()
        case Month():
            return Varchar(7)
        case Moment():
            return DateTime()
    raise TypeError(kind)
