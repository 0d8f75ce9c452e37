"""What documents do to each other, where its SQL says again what Python says."""

import sqlite3
from contextlib import closing

import psycopg
import pytest

from nfed.documents.standing import RANKS, Answered, rank
from nfed.stores.chunk import LINKS, PARTY_FIELDS
from nfed.stores.relations import Dialect, rank_of, renew_parties
from nfed.stores.sqlite.store import SQLiteStore

KEYS = ("cpf_cnpj", "id_estrangeiro")
RENEWED = [name for name in (*PARTY_FIELDS, "tipo_pessoa") if name not in KEYS]


CSTATS = sorted({cstat for each in RANKS.values() for cstat in each})


def asked(cstat, protocol, answered):
    def quoted(value):
        return "null" if value is None else f"'{value}'"

    row = f"(select {quoted(cstat)} as codigo_status, {quoted(protocol)} as numero_protocolo) r"
    return f"select {rank_of('r', answered=quoted(answered))} from {row}"


@pytest.mark.parametrize("answered", Answered)
@pytest.mark.parametrize("cstat", [*CSTATS, "225", "999", "", None])
@pytest.mark.parametrize("protocol", ["135260000000009", "", None])
def test_a_document_has_the_same_rank_in_python_and_in_both_databases(
    postgres, cstat, protocol, answered
):
    query = asked(cstat, protocol, answered)

    with closing(sqlite3.connect(":memory:")) as sqlite, psycopg.connect(postgres.url()) as other:
        found = [
            sqlite.execute(query).fetchone()[0],
            other.execute(query.encode()).fetchone()[0],
        ]

    assert found == [rank(cstat, protocol, answered)] * 2


@pytest.fixture
async def connection(tmp_path):
    store = SQLiteStore(tmp_path / "nfed.db")
    await store.open()
    await store.close()
    with closing(sqlite3.connect(tmp_path / "nfed.db")) as made:
        made.execute("insert into empresas (cpf_cnpj) values ('1')")
        yield made


def renew(connection, papel, issued, value):
    """A note of that moment, in which everything that a note can say of a party is `value`."""
    (other,) = (each for each in LINKS if each != papel)
    said = dict.fromkeys(RENEWED, value) | {f"emissao_como_{papel}": issued}
    columns = ", ".join(f"'{text}' as {name}" for name, text in said.items())
    row = f"(select 1 as id, {columns}, null as emissao_como_{other})"
    connection.execute(renew_parties(Dialect("", ""), row))


def held(connection):
    found = connection.execute(f"select {', '.join(RENEWED)} from empresas").fetchone()
    return dict(zip(RENEWED, found, strict=True))


@pytest.mark.parametrize("papel", LINKS)
async def test_everything_that_a_note_says_of_a_party_is_kept_at_the_newest(connection, papel):
    for issued, value in (("2026-01-02", "juridica"), ("2026-01-03", "fisica")):
        renew(connection, papel, issued, value)
    first = held(connection)
    renew(connection, papel, "2026-01-01", "juridica")

    assert held(connection) == first
    others = {
        "emitente": {"inscricao_suframa", "email", "indicador_ie_destinatario"},
        "destinatario": {
            "nome_fantasia",
            "regime_tributario",
            "inscricao_estadual_st",
            "cnae",
        },
    }[papel]
    # What only the other role says is taken where nothing is known, and never changed.
    assert first == {name: "juridica" if name in others else "fisica" for name in RENEWED}


async def test_a_newer_note_in_the_other_role_changes_what_both_roles_say(connection):
    renew(connection, "emitente", "2026-01-01", "juridica")
    renew(connection, "destinatario", "2026-01-02", "fisica")

    found = held(connection)

    assert found["razao_social"] == "fisica"
    assert found["regime_tributario"] == "juridica"
    assert connection.execute(
        "select emissao_como_emitente, emissao_como_destinatario from empresas"
    ).fetchone() == ("2026-01-01", "2026-01-02")
