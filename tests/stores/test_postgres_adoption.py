"""A database that users already have is adopted: what they built on it goes on working."""

import psycopg
import pytest

from nfed.errors import ConfigError, StoreUnavailable
from nfed.stores.postgres import schema as postgres_schema
from tests.support.existing_database import DATA, SQL, fill, old_columns, what_readers_see
from tests.support.postgres_server import running

OWN = (DATA / "existing-own.sql").read_text("utf-8")
VIEWS = """
select c.relname, c.relkind, r.rolname, c.reloptions, c.relispopulated, pg_get_viewdef(c.oid),
       (select array_agg(e::text order by e::text) from aclexplode(
           coalesce(c.relacl, acldefault('r', c.relowner))) e),
       (select array_agg(a.attname || ' ' || e::text order by 1) from pg_attribute a,
               aclexplode(a.attacl) e where a.attrelid = c.oid),
       (select array_agg(d.objsubid || ' ' || d.description order by 1) from pg_description d
         where d.objoid = c.oid),
       (select array_agg(pg_get_indexdef(i.indexrelid)) from pg_index i where i.indrelid = c.oid),
       (select array_agg(pg_get_triggerdef(t.oid)) from pg_trigger t where t.tgrelid = c.oid),
       (select array_agg(pg_get_expr(f.adbin, f.adrelid)) from pg_attrdef f
         where f.adrelid = c.oid)
  from pg_class c join pg_roles r on r.oid = c.relowner
 where c.relkind in ('v', 'm') and c.relnamespace = 'public'::regnamespace order by 1
"""
NEW_VIEWS = {"vw_documentos", "vw_documentos_relacionados"}


def assert_views_stay(url, views):
    """Every view is as it was, and those that nfed brings are beside them."""
    now = rows(url, VIEWS)
    assert [each for each in now if each[0] not in NEW_VIEWS] == views
    assert {each[0] for each in now} - {each[0] for each in views} == NEW_VIEWS


TYPES = """
select table_name, column_name, udt_name, column_default from information_schema.columns
 where table_schema = 'public' and table_name = any (%s) order by 1, ordinal_position
"""


@pytest.fixture
def existing_url(empty_url):
    with psycopg.connect(empty_url) as connection:
        connection.execute(SQL.encode())
    return empty_url


@pytest.fixture(params=["postgres", "oldest_postgres"])
def each_existing_url(request):
    """On the newest server and on the oldest one."""
    server = request.getfixturevalue(request.param)
    with server.database() as name:
        with psycopg.connect(server.url(name)) as connection:
            connection.execute(SQL.encode())
        yield server.url(name)


@pytest.fixture
def own_url(postgres, existing_url):
    with psycopg.connect(existing_url) as connection:
        connection.execute(OWN.encode())
        fill(connection)
        connection.execute("refresh materialized view mv_ncm")
    yield existing_url
    with psycopg.connect(existing_url) as connection:
        connection.execute("drop owned by dashboards, analyst cascade")
        connection.execute("drop role dashboards, analyst")


def rows(url, query, *arguments):
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode(), arguments or None).fetchall()


def test_the_tests_begin_with_what_users_have(existing_url):
    found = rows(
        existing_url,
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
        "from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') "
        "and a.attnum > 0 order by c.relname, a.attnum",
    )

    spelled = {
        "serial": "integer",
        "varchar": "character varying",
        "char": "character",
        "timestamp": "timestamp without time zone",
    }
    told = []
    for column in old_columns():
        name, bracket, size = column.type.partition("(")
        told.append(
            (
                column.relation,
                column.name,
                spelled.get(name, name) + bracket + size,
                column.required,
            )
        )
    assert found == told


@pytest.mark.parametrize("filled", [False, True])
async def test_every_old_column_and_view_answers_as_before(existing_url, filled):
    with psycopg.connect(existing_url) as connection:
        if filled:
            fill(connection)
        before = what_readers_see(connection)
    views = rows(existing_url, VIEWS)

    warnings = await postgres_schema.migrate(existing_url)

    with psycopg.connect(existing_url) as connection:
        assert what_readers_see(connection) == before
    assert_views_stay(existing_url, views)
    assert warnings == []
    assert len(before["vw_nf_itens_completo"]) == (3 if filled else 0)


async def test_types_and_defaults_stay_but_for_numbers_that_overflow(existing_url):
    tables = sorted({column.relation for column in old_columns()})
    before = rows(existing_url, TYPES, tables)

    await postgres_schema.migrate(existing_url)

    after = {row[:2]: row for row in rows(existing_url, TYPES, tables)}
    changed = {row[:2]: after[row[:2]][2] for row in before if after[row[:2]] != row}
    assert changed == {
        ("nf_itens_di_adicoes", "numero_drawback"): "numeric",
        ("nf_itens_ipi", "quantidade_selo_controle"): "int8",
        ("nf_transporte_volumes", "quantidade"): "int8",
    }


async def test_no_table_is_rewritten_but_those_whose_numbers_overflow(existing_url):
    """A table of a hundred million rows would be locked for hours."""
    query = "select relname, relfilenode from pg_class where relname = any (%s) order by 1"
    tables = sorted({column.relation for column in old_columns()})
    with psycopg.connect(existing_url) as connection:
        fill(connection)
        connection.execute(
            "create index ix_meu on notas_fiscais (natureza_operacao, uf_saida_pais)"
        )
    names = [*tables, "ix_meu", "notas_fiscais_chave_acesso_key", "empresas_cpf_cnpj_key"]
    before = rows(existing_url, query, names)

    await postgres_schema.migrate(existing_url)

    changed = set(rows(existing_url, query, names)) - set(before)
    assert {name for name, _ in changed} == {
        "nf_itens_di_adicoes",
        "nf_itens_ipi",
        "nf_transporte_volumes",
    }


async def test_a_view_of_somebody_elses_is_left_alone_by_an_owner_without_power(
    postgres, existing_url
):
    with psycopg.connect(existing_url) as connection:
        connection.execute(
            "create role bi nologin; create role keeper login;"
            "grant all on schema public to keeper; grant select on nf_itens_icms to bi;"
            "create view vw_bi as select aliquota from nf_itens_icms; alter view vw_bi owner to bi"
        )
        for (name,) in connection.execute(
            "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace "
            "and relkind in ('r', 'v') and relname <> 'vw_bi'"
        ).fetchall():
            connection.execute(f"alter table {name} owner to keeper".encode())
        fill(connection)
        before = what_readers_see(connection)

    try:
        warnings = await postgres_schema.migrate(existing_url.replace("postgres@", "keeper@"))

        with psycopg.connect(existing_url) as connection:
            assert what_readers_see(connection) == before
        (warning,) = warnings
        assert (
            warning == "nf_itens_icms.aliquota keeps its type, as view public.vw_bi of bi uses it"
        )
    finally:
        with psycopg.connect(existing_url) as connection:
            connection.execute("reassign owned by keeper, bi to postgres")
            connection.execute("drop owned by keeper, bi; drop role keeper, bi")


async def test_what_users_built_on_it_stays_as_they_made_it(own_url):
    with psycopg.connect(own_url) as connection:
        before = what_readers_see(connection)
    views = rows(own_url, VIEWS)
    own = [
        "select * from vw_vendas order by 1",
        "select * from mv_ncm order by 1",
        "select * from maiores()",
        """select to_json(v) ->> 'razao_social' from "Vista ""estranha"" 2" v order by 1""",
    ]
    answers = [rows(own_url, query) for query in own]

    warnings = await postgres_schema.migrate(own_url)

    with psycopg.connect(own_url) as connection:
        assert what_readers_see(connection) == before
    assert_views_stay(own_url, views)
    assert len(views) == 6
    assert [rows(own_url, query) for query in own] == answers
    assert all(answers[:3])
    assert warnings == []


@pytest.mark.parametrize("version", [14, 16])
async def test_an_older_server_is_adopted_likewise(version):
    with running(version) as server, server.database() as name:
        url = server.url(name)
        with psycopg.connect(url) as connection:
            connection.execute(SQL.encode())
            connection.execute(OWN.encode())
            fill(connection)
            before = what_readers_see(connection)
        views = rows(url, VIEWS)

        assert await postgres_schema.migrate(url) == []

        with psycopg.connect(url) as connection:
            assert what_readers_see(connection) == before
        assert_views_stay(url, views)
        assert await postgres_schema.pending(url) == []


async def test_a_column_that_cannot_be_widened_faithfully_is_left_with_a_warning(each_existing_url):
    with psycopg.connect(each_existing_url) as connection:
        connection.execute(
            b"""
            alter table empresas add column raiz text
                generated always as (substr(cpf_cnpj, 1, 8)) stored;
            create policy minha on nf_itens using (cfop <> '0000');
            create trigger aviso before update of email on empresas for each row
                execute function update_updated_at_column();
            create function resumos() returns setof vw_nf_itens_completo language sql
                as 'select * from vw_nf_itens_completo';
            """
        )
        fill(connection)
        before = what_readers_see(connection)

    warnings = await postgres_schema.migrate(each_existing_url)

    with psycopg.connect(each_existing_url) as connection:
        assert what_readers_see(connection) == before
    told = "\n".join(warnings)
    for column, what in {
        "empresas.cpf_cnpj": "raiz",
        "nf_itens.cfop": "policy minha",
        "empresas.email": "trigger aviso",
        "nf_itens_pis.valor_pis": "function public.resumos()",
    }.items():
        assert f"{column} keeps its type" in told
        assert what in told
    wide = "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s::regclass"
    assert rows(each_existing_url, f"{wide} and attname = 'aliquota'", "nf_itens_pis") == [
        ("numeric",)
    ]
    assert rows(each_existing_url, f"{wide} and attname = 'email'", "empresas") == [
        ("character varying(60)",)
    ]
    assert await postgres_schema.pending(each_existing_url) == []


async def test_what_the_old_limits_refused_can_be_stored(existing_url):
    await postgres_schema.migrate(existing_url)

    with psycopg.connect(existing_url) as connection:
        connection.execute(
            "insert into empresas (id_estrangeiro, razao_social, uf) values ('X1', %s, 'EXT')",
            ["x" * 300],
        )
        connection.execute(
            "insert into notas_fiscais (chave_acesso, valor_total_nota) "
            "values (repeat('1', 44), 12345678901234567.891)"
        )
        connection.execute("insert into nf_itens (descricao) values (repeat('x', 500))")
        connection.execute("insert into nf_itens_icms (aliquota) values (12.3456)")
        connection.execute("insert into nf_itens_di (numero_di) values ('123456789012345')")
        connection.execute("insert into nf_transporte_volumes (quantidade) values (9 * 10 ^ 14)")

    assert rows(existing_url, "select aliquota::text from nf_itens_icms") == [("12.3456",)]
    with pytest.raises(psycopg.errors.UniqueViolation), psycopg.connect(existing_url) as connection:
        connection.execute("insert into empresas (cpf_cnpj) values ('1'), ('1')")


async def test_a_failure_halfway_changes_nothing(existing_url):
    with psycopg.connect(existing_url) as connection:
        connection.execute(
            "create function no() returns event_trigger language plpgsql as "
            "$$ begin raise exception 'no views today'; end $$; "
            "create event trigger no on ddl_command_start when tag in ('CREATE VIEW') "
            "execute function no()"
        )
    before = rows(existing_url, TYPES, ["notas_fiscais"]), rows(existing_url, VIEWS)

    with pytest.raises(StoreUnavailable, match="no views today"):
        await postgres_schema.migrate(existing_url)

    assert (rows(existing_url, TYPES, ["notas_fiscais"]), rows(existing_url, VIEWS)) == before
    assert rows(existing_url, "select to_regclass('nf_partes')") == [(None,)]


async def test_a_role_that_may_not_is_told_what_to_run(postgres, existing_url):
    with psycopg.connect(existing_url) as connection:
        connection.execute("create role reader login; grant usage on schema public to reader")
    url = existing_url.replace("postgres@", "reader@")

    try:
        with pytest.raises(ConfigError, match="owner run what `nfed db sql` prints") as told:
            await postgres_schema.migrate(url)
    finally:
        with psycopg.connect(existing_url) as connection:
            connection.execute("drop owned by reader; drop role reader")

    assert "\n" not in str(told.value)


async def test_a_table_in_use_is_waited_for_and_then_left_alone(existing_url):
    with psycopg.connect(existing_url) as reader:
        reader.execute("select * from notas_fiscais")

        with pytest.raises(StoreUnavailable, match="lock timeout"):
            await postgres_schema.migrate(existing_url, lock_seconds=0.2)

    assert await postgres_schema.pending(existing_url) != []
    await postgres_schema.migrate(existing_url)
    assert await postgres_schema.pending(existing_url) == []
