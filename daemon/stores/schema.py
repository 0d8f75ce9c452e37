"""The layout as SQLAlchemy Core tables, for migrations and the data dictionary."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    Numeric,
    Table,
    func,
)
from sqlalchemy import Date as SqlDate
from sqlalchemy import Integer as SqlInteger
from sqlalchemy import Text as SqlText
from sqlalchemy.types import TypeEngine, UserDefinedType

from daemon.documents import layout
from daemon.documents.layout import Date, Day, Integer, Kind, Moment, Month, Number, Text

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
_UPDATED = frozenset({"empresas", "notas_fiscais"})


class Instant(UserDefinedType[str]):
    """A moment with its offset: timestamptz in PostgreSQL, ISO 8601 text in SQLite."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """SQLite's spelling."""
        return "TEXT"


class Varchar(UserDefinedType[str]):
    """VARCHAR(n); SQLite keeps the length as a note, PostgreSQL enforces it."""

    cache_ok = True

    def __init__(self, length: int) -> None:
        self.length = length

    def get_col_spec(self, **_: object) -> str:
        """One spelling everywhere."""
        return f"VARCHAR({self.length})"


def metadata() -> MetaData:
    """All tables of the main database, for SQLite."""
    made = MetaData()
    for table in layout.tables().values():
        _add(made, table)
    for table in layout.tables().values():
        _index_key(made.tables[table.name], table)
    notes = made.tables["notas_fiscais"]
    parties = made.tables["empresas"]
    Index("ux_empresas_cpf_cnpj", parties.c.cpf_cnpj, unique=True)
    Index(
        "ux_empresas_estrangeiro",
        parties.c.id_estrangeiro,
        parties.c.razao_social,
        unique=True,
        sqlite_where=parties.c.cpf_cnpj.is_(None),
    )
    Index("ix_notas_fiscais_emitente", notes.c.emitente_id, notes.c.data_hora_emissao)
    Index("ix_notas_fiscais_destinatario", notes.c.destinatario_id, notes.c.data_hora_emissao)
    Index("ix_notas_fiscais_emissao", notes.c.data_hora_emissao)
    return made


def _add(made: MetaData, table: layout.Table) -> None:
    columns: list[Column[Any]] = [Column("id", SqlInteger, primary_key=True)]
    if table.parent is not None and table.link is not None:
        columns.append(
            Column(
                table.link,
                SqlInteger,
                ForeignKey(f"{table.parent}.id", ondelete="CASCADE"),
                nullable=False,
            )
        )
    for column in table.columns:
        first, *twins = column.stored_names
        columns.append(_column(table, column, first))
        columns += [_twin(column.kind, twin) for twin in twins]
    columns.append(Column("created_at", DateTime, server_default=func.current_timestamp()))
    if table.name in _UPDATED:
        columns.append(Column("updated_at", DateTime, server_default=func.current_timestamp()))
    checks = [
        CheckConstraint(f"{name} in ({', '.join(repr(value) for value in values)})")
        for name, values in _CHECKS.get(table.name, {}).items()
    ]
    made_table = Table(table.name, made, *columns, *checks)
    if table.link is not None:
        Index(f"ix_{table.name}_{table.link}", made_table.c[table.link])


def _index_key(made_table: Table, table: layout.Table) -> None:
    """A document is there once; what is not a note is also found by the note's key."""
    if table.key is None:
        return
    Index(f"ux_{table.name}_{table.key}", made_table.c[table.key], unique=True)
    if table.key != "chave_acesso" and "chave_acesso" in made_table.c:
        Index(f"ix_{table.name}_chave_acesso", made_table.c.chave_acesso)


def _column(table: layout.Table, column: layout.Column, name: str) -> Column[Any]:
    references = (ForeignKey("empresas.id"),) if name in ("emitente_id", "destinatario_id") else ()
    required = name == table.key
    return Column(name, _type(column.kind), *references, nullable=not required)


def _twin(kind: Kind, name: str) -> Column[Any]:
    return Column(name, Instant() if isinstance(kind, Moment) else SqlText())


def _type(kind: Kind) -> TypeEngine[Any]:
    match kind:
        case Text(length=None):
            return SqlText()
        case Text(length=int() as length):
            return Varchar(length)
        case Number(digits=digits, places=places):
            return Numeric(digits, places)
        case Integer(big=True):
            return BigInteger()
        case Integer():
            return SqlInteger()
        case Date() | Day():
            return SqlDate()
        case Month():
            return Varchar(7)
        case Moment():
            return DateTime()
    raise TypeError(kind)
