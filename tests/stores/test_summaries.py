"""A company's month is summed up to the cent, the same in SQLite and PostgreSQL."""

import re
from collections import Counter
from contextlib import AsyncExitStack, suppress
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from bench.generator import Generator
from nfed.core.ports import NoteFilter
from nfed.stores.summaries import Papel
from nfed.stores.summaries.questions import MOST, TAXES, Questions
from nfed.stores.tables import Backend
from tests.support.stores import shelves

KINDS = ("sqlite", "postgresql")
NOTES = list(Generator(7, issuers=1).notes(40, items=4))
NS = "{http://www.portalfiscal.inf.br/nfe}"
PARTS = [etree.fromstring(each.xml).find(f".//{NS}infNFe") for each in NOTES]
COMPANY = PARTS[0].findtext(f"{NS}emit/{NS}CNPJ")
HUGE = "9999999999999.99"


def said(part, path):
    """Decimal of a path of element names; zero where there is none."""
    return Decimal(part.findtext("/".join(NS + each for each in path.split("/"))) or "0")


@pytest.fixture
async def each(tmp_path, postgres, migrated):
    """A shelf of every kind, with forty notes that one company issued in one month, for real."""
    async with AsyncExitStack() as stack:
        found = []
        for kind in KINDS:
            made = await stack.enter_async_context(shelves(kind, tmp_path, postgres, migrated))
            shelf = await made.new()
            await shelf.put(*(note.xml for note in NOTES))
            shelf.run(
                "update notas_fiscais set data_hora_emissao = '2026-03-05 10:00:00',"
                " tipo_ambiente = '1', status = 'autorizada'"
            )
            found.append(shelf)
        yield found


async def month(shelf, mes="2026-03", ambiente="1", company=COMPANY):
    return await shelf.summaries.month(company, mes, ambiente)


async def test_totals_and_taxes_are_those_of_the_documents_to_the_cent(each):
    tags = ("vICMS", "vST", "vIPI", "vPIS", "vCOFINS")
    for shelf in each:
        seen = await month(shelf)
        own = [one for one in seen.operacoes if one.papel is Papel.EMITENTE]

        assert sum(one.notas for one in own) == len(NOTES)
        assert sum(one.total for one in own) == sum(
            said(part, "total/ICMSTot/vNF") for part in PARTS
        )
        for (name, _), tag in zip(TAXES, tags, strict=False):
            services = "total/ISSQNtot/" + tag if tag in ("vPIS", "vCOFINS") else "nowhere"
            expected = sum(
                said(part, f"total/ICMSTot/{tag}") + said(part, services) for part in PARTS
            )
            assert sum(one.impostos[name] for one in own) == expected, name
        assert sum(one.impostos["valor_issqn"] for one in own) == sum(
            said(part, "total/ISSQNtot/vISS") for part in PARTS
        )


async def test_codes_are_those_of_the_items(each):
    expected: dict[str, Counter[str]] = {"CFOP": Counter(), "NCM": Counter()}
    for part in PARTS:
        for product in part.iter(f"{NS}prod"):
            for tag, sums in expected.items():
                code = product.findtext(NS + tag)
                sums[code] += Decimal(product.findtext(f"{NS}vProd"))  # type: ignore[assignment]
    for shelf in each:
        seen = await month(shelf)

        for codes, sums in ((seen.cfops, expected["CFOP"]), (seen.ncms, expected["NCM"])):
            own = [one for one in codes if one.papel is Papel.EMITENTE]
            assert [(one.codigo, one.valor) for one in own] == sorted(
                sums.items(), key=lambda pair: (-pair[1], pair[0])
            )[:MOST]


async def test_what_is_cancelled_is_counted_and_not_summed(each):
    for shelf in each:
        before = await month(shelf)
        shelf.run("update notas_fiscais set status = 'cancelada' where id <= 3")
        shelf.run("update notas_fiscais set status = 'denegada' where id = 4")
        after = await month(shelf)

        def count(seen, status):
            return sum(
                one.notas
                for one in seen.operacoes
                if one.status == status and one.papel is Papel.EMITENTE
            )

        assert (count(before, "autorizada"), count(after, "autorizada")) == (40, 36)
        assert (count(after, "cancelada"), count(after, "denegada")) == (3, 1)
        gone = sum(
            Decimal(str(row[0]))
            for row in shelf.rows("select valor_total_nota from notas_fiscais where id <= 4")
        )
        total = [sum(one.total for one in seen.meses) for seen in (before, after)]
        assert total[0] - total[1] == gone


async def test_the_test_environment_is_kept_apart(each):
    for shelf in each:
        shelf.run("update notas_fiscais set tipo_ambiente = '2' where id <= 5")

        real, tried = await month(shelf), await month(shelf, ambiente="2")

        assert (sum(one.notas for one in real.operacoes), real.outros) == (35, 5)
        assert (sum(one.notas for one in tried.operacoes), tried.outros) == (5, 35)


async def test_a_month_is_the_issuers_and_leads_from_eleven_before_it(each):
    for shelf in each:
        for note_id, moment in enumerate(
            (
                "2026-02-28 23:59:59",
                "2026-04-01 00:00:00",
                "2025-04-01 00:00:00",
                "2025-03-31 23:59:59",
            ),
            1,
        ):
            shelf.run(
                f"update notas_fiscais set data_hora_emissao = '{moment}' where id = {note_id}"
            )

        seen = await month(shelf)

        assert sum(one.notas for one in seen.operacoes) == 36
        assert sorted({one.mes for one in seen.meses}) == ["2025-04", "2026-02", "2026-03"]
        assert (await month(shelf, None)).mes == "2026-04"


async def test_sums_of_the_greatest_amounts_lose_no_cent(each):
    for shelf in each:
        shelf.run(f"update notas_fiscais set valor_total_nota = {HUGE}")

        seen = await month(shelf)

        assert sum(one.total for one in seen.meses) == 40 * Decimal(HUGE)
        assert sum(one.total for one in seen.operacoes) == 40 * Decimal(HUGE)


async def test_customers_and_suppliers_are_told_by_what_they_are_in_the_note(each):
    for shelf in each:
        shelf.run("update notas_fiscais set tipo_operacao = '1', finalidade_emissao = '1'")
        shelf.run("update notas_fiscais set tipo_operacao = '0' where id = 1")
        shelf.run("update notas_fiscais set finalidade_emissao = '4' where id = 2")
        buyer = shelf.one(
            "select c.cpf_cnpj from notas_fiscais n join empresas c on c.id = n.destinatario_id"
            " where n.id > 2 and c.cpf_cnpj is not null order by n.id limit 1"
        )[0]

        sold = [one for one in (await month(shelf)).parceiros if one.papel is Papel.EMITENTE]
        bought = (await month(shelf, company=buyer)).parceiros

        assert sum(one.notas for one in sold) == 38
        assert [one.total for one in sold] == sorted((one.total for one in sold), reverse=True)
        theirs = next(one for one in sold if one.cpf_cnpj == buyer)
        assert [(one.papel, one.cpf_cnpj, one.total) for one in bought] == [
            (Papel.DESTINATARIO, COMPANY, theirs.total)
        ]


def _number(shelf, *numbers, moment="2026-03-05 10:00:00"):
    """Gives notes these numbers in series 9, beginning with the first note that has none."""
    for number in numbers:
        shelf.run(
            f"update notas_fiscais set modelo = '55', serie = '9', numero_nf = {number},"
            f" data_hora_emissao = '{moment}' where id ="
            " (select min(id) from notas_fiscais where serie <> '9')"
        )


def _void(shelf, first, last, status="homologada"):
    shelf.run(
        "insert into nf_inutilizacoes (identificador, cpf_cnpj, modelo, serie, numero_inicial,"
        f" numero_final, tipo_ambiente, status) values ('{first}', '{COMPANY}', '55', '9',"
        f" {first}, {last}, '1', '{status}')"
    )


async def test_missing_numbers_are_those_that_nothing_has_and_that_are_not_void(each):
    for shelf in each:
        shelf.run("update notas_fiscais set serie = '8', numero_nf = id")
        _number(shelf, 1, 4, moment="2026-02-20 10:00:00")
        _number(shelf, 7, 12, 13, 20)
        _number(shelf, 10, 30, moment="2026-04-02 10:00:00")
        _void(shelf, 5, 5)
        _void(shelf, 14, 17)
        _void(shelf, 19, 19, status="rejeitada")

        seen = await month(shelf)

        gaps = [(gap.de, gap.ate) for gap in seen.lacunas if gap.serie == "9"]
        assert gaps == [(6, 6), (8, 9), (11, 11), (18, 19)]
        assert seen.faltam == 6


async def test_companies_of_the_latest_notes_come_with_their_last_month(each):
    for shelf in each:
        found = await shelf.summaries.lately()

        assert (found[0].cpf_cnpj, found[0].notas, found[0].mes) == (COMPANY, 40, "2026-03")


async def test_a_company_that_is_not_stored_has_no_summary(each):
    for shelf in each:
        assert await month(shelf, company="00000000000000") is None


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        (NoteFilter(), "true"),
        (NoteFilter(emitente=COMPANY, de=date(2026, 3, 1), ate=date(2026, 3, 31)), "id <= 30"),
        (NoteFilter(status="cancelada", ambiente="1"), "id <= 3"),
        (
            NoteFilter(valor_de=Decimal("1000.01"), tipo_operacao="1"),
            "valor_total_nota >= 1000.01 and tipo_operacao = '1'",
        ),
        (
            NoteFilter(cfop="5102", finalidade="1"),
            (
                "finalidade_emissao = '1' and id in"
                " (select nota_fiscal_id from nf_itens where cfop = '5102')"
            ),
        ),
        (NoteFilter(texto="nothing has this"), "false"),
    ],
)
async def test_a_filters_notes_are_counted_and_summed(each, wanted, where):
    for shelf in each:
        shelf.run("update notas_fiscais set status = 'cancelada' where id <= 3")
        shelf.run(
            "update notas_fiscais set data_hora_emissao = '2026-04-01 00:00:00' where id > 30"
        )
        rows = shelf.rows(f"select valor_total_nota, status from notas_fiscais where {where}")
        values = [(Decimal(str(value)), status == "autorizada") for value, status in rows]

        found = await shelf.summaries.totals(wanted)

        assert (found.notas, found.autorizadas) == (len(values), sum(own for _, own in values))
        assert found.total == sum(value for value, _ in values)
        assert found.total_autorizadas == sum(value for value, own in values if own)


async def test_more_notes_than_a_page_may_look_at_are_not_summed(each):
    for most, is_summed in ((39, False), (40, True)):
        asking = Questions(Backend.SQLITE, most_scanned=most).totals(NoteFilter(status="rejeitada"))
        query, values = next(asking)
        rows = each[0].rows(query.replace(":status", f"'{values['status']}'"))

        with pytest.raises(StopIteration) as ended:
            asking.send(rows)

        assert (ended.value.value is not None) is is_summed


async def test_a_month_is_found_by_the_companys_dates(each):
    """However much is stored, no question reads the notes of others."""
    shelf = each[0]
    company = shelf.rows(f"select id, razao_social, '' from empresas where cpf_cnpj = '{COMPANY}'")
    asking = Questions(Backend.SQLITE).month(COMPANY, "2026-03", "1")
    next(asking)
    asked = [asking.send(company)]
    with suppress(StopIteration):
        while True:
            asked.append(asking.send([]))

    plans = [plan(shelf, query, values) for query, values in asked]

    assert len(plans) == 11
    for told in plans:
        (notes,) = (line for line in told if line.startswith(("SEARCH n ", "SCAN n ")))
        assert re.fullmatch(
            r"SEARCH n USING INDEX ix_notas_fiscais_(emitente|destinatario)"
            r" \(\1_id=\? AND data_hora_emissao>\? AND data_hora_emissao<\?\)",
            notes,
        )


def plan(shelf, query, values):
    for name, value in values.items():
        query = re.sub(rf":{name}\b", f"'{value}'", query)
    return [row[3] for row in shelf.rows(f"explain query plan {query}")]
