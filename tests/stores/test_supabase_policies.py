"""deploy/supabase/policies-example.sql: signed-in users see the notes of their own companies."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from tests.support.existing_database import SQL
from tests.support.supabase_roles import supabase

EXAMPLE = Path(__file__).parents[2] / "deploy" / "supabase" / "policies-example.sql"
ANA, BIA, CEU = "11111111000191", "0X0J92JY000196", "33333333000191"
ROWS = """
insert into empresas (id, cpf_cnpj, razao_social) values
    (1, '11111111000191', 'ANA'), (2, '0X0J92JY000196', 'BIA'), (3, '33333333000191', 'CEU');
insert into notas_fiscais (id, chave_acesso, codigo_uf, natureza_operacao, modelo, serie, numero_nf,
        data_hora_emissao, tipo_operacao, destino_operacao, valor_total_produtos, valor_total_nota,
        emitente_id, destinatario_id)
    select n, 'chave ' || n, '35', 'VENDA', '55', '1', n, '2026-11-23 10:00', '1', '1', n, n, e, d
      from (values (1, 1, 2), (2, 2, 3), (3, 3, 1), (4, 3, 3), (5, null, 1)) as x (n, e, d);
insert into nf_itens (id, nota_fiscal_id, numero_item, codigo_produto, descricao, cfop,
        unidade_comercial, quantidade_comercial, valor_unitario_comercial, valor_total_bruto,
        unidade_tributavel, quantidade_tributavel, valor_unitario_tributavel)
    select n, n, 1, 'P', 'produto ' || n, '5102', 'UN', 1, 1, 1, 'UN', 1, 1
      from generate_series(1, 5) n;
insert into nf_itens_icms (id, nf_item_id, origem) select n, n, '0' from generate_series(1, 5) n;
"""


@pytest.fixture(scope="module", params=["new", "adopted and secured"])
def url(request, postgres):
    with supabase(postgres) as made:
        with psycopg.connect(made) as connection:
            if request.param != "new":
                connection.execute(SQL.encode())
        asyncio.run(postgres_schema.migrate(made))
        asyncio.run(postgres_access.close(made))
        with psycopg.connect(made, autocommit=True) as connection:
            connection.execute(ROWS.encode())
            connection.execute(EXAMPLE.read_bytes())
            connection.execute(EXAMPLE.read_bytes())
        yield made


def ask(url, query, claims, role="authenticated"):
    with psycopg.connect(url) as connection:
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute(f"set local role {role}".encode())
        return [row[0] for row in connection.execute(query.encode()).fetchall()]


def own(*cnpjs):
    return json.dumps({"role": "authenticated", "app_metadata": {"cnpjs": cnpjs}})


NOTES = "select id from notas_fiscais order by 1"


@pytest.mark.parametrize(
    ("cnpjs", "notes"),
    [((ANA,), [1, 3, 5]), ((BIA,), [1, 2]), ((ANA, BIA), [1, 2, 3, 5]), ((), []), (("9",), [])],
)
def test_a_user_sees_the_notes_of_the_own_companies_and_what_belongs_to_them(url, cnpjs, notes):
    claims = own(*cnpjs)

    assert ask(url, NOTES, claims) == notes
    assert ask(url, "select nota_fiscal_id from nf_itens order by 1", claims) == notes
    assert ask(url, "select nf_item_id from nf_itens_icms order by 1", claims) == notes
    assert ask(url, "select id from vw_notas_fiscais_resumo order by 1", claims) == notes
    assert ask(url, "select numero_nf from vw_nf_itens_completo order by 1", claims) == notes


def test_a_user_sees_the_names_of_both_parties_but_of_no_stranger(url):
    assert ask(url, "select razao_social from empresas order by 1", own(BIA)) == [
        *("ANA", "BIA", "CEU")
    ]
    assert ask(url, "select razao_social from empresas order by 1", own(ANA)) == [
        *("ANA", "BIA", "CEU")
    ]
    assert ask(url, "select razao_social from empresas order by 1", own("9")) == []
    view = "select destinatario from vw_notas_fiscais_resumo order by id"
    assert ask(url, view, own(BIA)) == ["BIA", "CEU"]


@pytest.mark.parametrize(
    "claims",
    [
        "",
        "{}",
        '{"app_metadata": {"cnpjs": "11111111000191"}}',
        '{"app_metadata": {"cnpjs": {"a": "11111111000191"}}}',
        '{"user_metadata": {"cnpjs": ["11111111000191"]}}',
        '{"app_metadata": {"cnpjs": [null, ["11111111000191"], 1]}}',
        '{"app_metadata": null}',
    ],
)
def test_claims_that_name_no_company_show_nothing(url, claims):
    assert ask(url, NOTES, claims) == []
    assert ask(url, "select id from empresas", claims) == []


@pytest.mark.parametrize(
    "statement",
    [
        "update notas_fiscais set status = 'cancelada' returning id",
        "delete from nf_itens returning id",
        "insert into empresas (cpf_cnpj) values ('1') returning id",
    ],
)
def test_a_user_writes_nothing(url, statement):
    with psycopg.connect(url) as connection:
        before = connection.execute(NOTES.encode()).fetchall()

    with suppress(psycopg.errors.InsufficientPrivilege):
        assert ask(url, statement, own(ANA)) == []

    with psycopg.connect(url) as connection:
        assert connection.execute(NOTES.encode()).fetchall() == before


def test_the_public_key_reads_nothing(url):
    for name in ("notas_fiscais", "vw_notas_fiscais_resumo", "nf_itens", "empresas"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(url, f"select 1 from {name}", own(ANA), role="anon")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(url, "select nfed_empresas_do_usuario()", own(ANA), role="anon")
