"""A database that users already have is fed: what they do with it goes on being right."""

import re

import psycopg
import pytest

from nfed.core.outcome import Imported
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.postgres.http import SupabaseStore
from nfed.stores.postgres.store import PostgresStore
from tests.stores.test_postgres_store import execute, kinds
from tests.stores.test_store_contract import emitted, key_of
from tests.support.existing_database import SQL, fill, what_readers_see
from tests.support.notes import note, with_value
from tests.support.stores import ask_postgres, incoming

_AT_COMMIT = """
create table seen (value text);
create function see() returns trigger language plpgsql as $$
begin insert into seen values (current_setting('synchronous_commit')); return null; end $$;
create constraint trigger see after insert on notas_fiscais deferrable initially deferred
    for each row execute function see();
"""


@pytest.fixture
def existing_url(empty_url):
    with psycopg.connect(empty_url) as connection:
        connection.execute(SQL.encode())
    return empty_url


async def put(url, *chunks):
    """Each chunk of files by itself; the outcomes of the last."""
    store = PostgresStore(url, max_connections=1)
    await store.open()
    outcomes = [await store.store(incoming(*chunk), "job") for chunk in chunks]
    await store.close()
    return outcomes[-1]


def discounted(n):
    """Its items say vSeg and vDesc, which those of other notes do not."""
    return note(n, items=1).replace(b"<indTot>", b"<vSeg>2.00</vSeg><vDesc>1.00</vDesc><indTot>")


BEGINS = (
    "alter table nf_itens alter valor_desconto set default 0, "
    "alter valor_seguro set default '0.00', alter valor_outras_despesas set default 5, "
    "alter nve set default '0'"
)
READ = """
select i.valor_desconto, i.valor_seguro, i.valor_outras_despesas, i.nve
  from nf_itens i order by i.id
"""


@pytest.mark.parametrize("together", [True, False])
async def test_what_a_note_does_not_say_is_what_the_column_begins_with_whatever_its_chunk(
    existing_url, together
):
    """Readers add columns up; the former importer left 0 in those that it did not name."""
    execute(existing_url, BEGINS)
    files = [note(1, items=1), discounted(2)]

    await put(existing_url, *([files] if together else [[each] for each in files]))

    assert ask_postgres(existing_url, READ) == [(0, 0, None, None), (1, 2, None, None)]
    assert ask_postgres(
        existing_url, "select sum(valor_desconto + valor_seguro) from nf_itens"
    ) == [(3,)]


async def test_over_https_it_is_the_same(supabase_project):
    url = supabase_project.database_url
    store = SupabaseStore(supabase_project.url, supabase_project.service_key, max_connections=1)
    execute(url, BEGINS)

    try:
        await store.store(incoming(note(1, items=1)), "job")
        await store.store(incoming(note(2, items=1), discounted(3)), "job")
    finally:
        await store.close()
        execute(url, re.sub("set default [^,]*", "drop default", BEGINS))

    nothing = (0, 0, None, None)
    assert ask_postgres(url, READ) == [nothing, nothing, (1, 2, None, None)]


async def test_a_company_says_nothing_that_no_note_says_of_it(existing_url):
    execute(
        existing_url,
        "alter table empresas alter email set default 'x@y', alter codigo_pais set default '9999'",
    )

    await put(existing_url, [note(1)])

    assert ask_postgres(
        existing_url, "select count(*) from empresas where email = 'x@y' or codigo_pais = '9999'"
    ) == [(0,)]


REQUIRED = (
    *("codigo_uf", "natureza_operacao", "modelo", "serie", "numero_nf", "tipo_operacao"),
    *("destino_operacao", "valor_total_produtos", "valor_total_nota"),
)


def former(url, xml, *, with_xml=True):
    """What the former importer stored of a note: its issuer, and when by the clock there."""
    text = xml.decode()
    with psycopg.connect(url) as connection:
        (number,) = connection.execute(
            "insert into empresas (tipo_pessoa, cpf_cnpj, razao_social) "
            "values ('juridica', %s, %s) on conflict (cpf_cnpj) "
            "do update set razao_social = excluded.razao_social returning id",
            [between(text, "<emit><CNPJ>"), between(text, "<xNome>")],
        ).fetchone()
        named = {
            "chave_acesso": key_of(xml),
            "emitente_id": number,
            "data_hora_emissao": between(text, "<dhEmi>")[:19],
            "xml_completo": text if with_xml else None,
        } | dict.fromkeys(REQUIRED, "1")
        connection.execute(
            f"insert into notas_fiscais ({', '.join(named)}) "
            f"values ({', '.join(['%s'] * len(named))})".encode(),
            list(named.values()),
        )


def between(text, tag):
    return text.split(tag, 1)[1].split("<", 1)[0]


@pytest.mark.parametrize("with_xml", [True, False])
async def test_an_older_note_leaves_a_company_that_was_there_before(existing_url, with_xml):
    name = "select e.razao_social from empresas e join notas_fiscais n on n.emitente_id = e.id"
    former(existing_url, emitted(1, 9, "DE ANTES"), with_xml=with_xml)

    await put(existing_url, [emitted(2, 8, "ANTIGA")])
    older = ask_postgres(existing_url, name)
    await put(existing_url, [emitted(3, 11, "NOVA")])

    assert set(older) == {("DE ANTES",)}
    assert set(ask_postgres(existing_url, name)) == {("NOVA",)}


async def test_the_moment_of_a_company_is_that_of_its_newest_note_in_utc(existing_url):
    """Where no XML tells the offset, the latest that it can have been."""
    west = with_value(emitted(1, 1, "A"), "dhEmi", "2026-03-09T23:30:00-04:00")
    former(existing_url, emitted(2, 5, "A"))
    former(existing_url, west)
    query = "select emissao_como_emitente, emissao_como_destinatario, updated_at from empresas"
    ((updated,),) = ask_postgres(existing_url, "select updated_at from empresas")

    await postgres_schema.migrate(existing_url)
    told = ask_postgres(existing_url, query)
    execute(
        existing_url,
        "alter table empresas disable trigger user;"
        "update empresas set emissao_como_emitente = null;"
        "update notas_fiscais set xml_completo = null, data_hora_emissao_tz = null;"
        "alter table empresas enable trigger user;"
        "update nfed_schema_version set version_num = '0003'",
    )
    pending = await postgres_schema.pending(existing_url)
    await postgres_schema.migrate(existing_url)

    assert told == [("2026-03-10T03:30:00Z", None, updated)]
    assert ask_postgres(existing_url, query) == [("2026-03-10T04:30:00Z", None, updated)]
    assert [each for each in pending if "emissao_como_emitente" in each]


async def test_triggers_on_companies_are_as_their_owner_set_them(existing_url):
    execute(
        existing_url,
        "create function no() returns trigger language plpgsql as "
        "'begin raise exception ''not now''; end';"
        + "".join(
            f'create trigger "Meu {state}" before update on empresas for each row '
            f'execute function no(); alter table empresas {state} trigger "Meu {state}";'
            for state in ("enable", "enable always", "enable replica", "disable")
        ),
    )
    query = (
        "select tgname, tgenabled from pg_trigger where tgrelid = 'empresas'::regclass order by 1"
    )
    former(existing_url, emitted(1, 9, "A"))
    before = ask_postgres(existing_url, query)

    await postgres_schema.migrate(existing_url)

    assert ask_postgres(existing_url, query) == before
    assert ask_postgres(existing_url, "select emissao_como_emitente from empresas") == [
        ("2026-03-10T02:30:00Z",)
    ]


_KEYS = """
select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
 where connamespace = 'public'::regnamespace and contype = 'f' order by 1, 2
"""
_OURS = "nf_processamento_nota_fiscal_id_fkey"
_TO = "FOREIGN KEY (nota_fiscal_id) REFERENCES notas_fiscais(id)"


@pytest.mark.parametrize(
    ("more", "becomes"),
    [
        ("", "ON DELETE CASCADE"),
        ("on delete restrict", "ON DELETE CASCADE"),
        (
            "on update cascade deferrable initially deferred",
            "ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
        ),
        ("not valid", "ON DELETE CASCADE NOT VALID"),
        ("on delete set null", "ON DELETE SET NULL"),
    ],
)
async def test_a_note_can_be_deleted_as_before_and_other_keys_stay(existing_url, more, becomes):
    """The former importer left nf_processamento empty, whose key has no `on delete cascade`."""
    execute(
        existing_url,
        f"alter table nf_processamento drop constraint {_OURS};"
        f"alter table nf_processamento add constraint {_OURS} {_TO} {more};"
        "create table minhas (nota integer constraint minha references notas_fiscais (id))",
    )
    with psycopg.connect(existing_url) as connection:
        fill(connection)
        before = what_readers_see(connection)
        keys = {row[:2]: row for row in connection.execute(_KEYS)}

    assert kinds(await put(existing_url, [note(1)])) == [Imported]

    with psycopg.connect(existing_url) as connection:
        now = {row[:2]: row for row in connection.execute(_KEYS)}
        assert now[("nf_processamento", _OURS)][2] == f"{_TO} {becomes}"
        assert {name for name, row in keys.items() if now[name] != row} <= {
            ("nf_processamento", _OURS)
        }
        said = connection.execute("select count(*) from nf_processamento").fetchone()
        connection.execute("delete from notas_fiscais where chave_acesso = %s", [key_of(note(1))])
    assert said == (len(before["nf_processamento"]) + 1,)
    assert await postgres_schema.pending(existing_url) == []


@pytest.mark.parametrize(
    ("has", "expected"),
    [("off", "on"), *((each, each) for each in ("local", "remote_write", "remote_apply", "on"))],
)
async def test_a_commit_that_would_not_wait_for_the_disk_does(postgres_url, has, expected):
    """Files leave the folder after it; whatever else the server's owner chose stays."""
    name = postgres_url.rpartition("/")[2]
    execute(postgres_url, _AT_COMMIT)
    execute(postgres_url, f"alter database {name} set synchronous_commit = {has}")

    await put(postgres_url, [note(1)])

    assert ask_postgres(postgres_url, "select value from seen") == [(expected,)]
    assert ask_postgres(postgres_url, "show synchronous_commit") == [(has,)]


async def test_a_commit_over_https_waits_for_the_disk(supabase_project):
    url = supabase_project.database_url
    assert ask_postgres(url, "show synchronous_commit") == [("off",)]
    execute(url, _AT_COMMIT + "grant all on seen to service_role")
    store = SupabaseStore(supabase_project.url, supabase_project.service_key, max_connections=1)

    try:
        await store.store(incoming(note(1)), "job")
        found = ask_postgres(url, "select value from seen")
    finally:
        await store.close()
        execute(url, "drop trigger see on notas_fiscais; drop function see; drop table seen")

    assert found == [("on",)]
