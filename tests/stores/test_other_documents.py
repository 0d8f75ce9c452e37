"""The rows of documents that are not notes, the same in every store."""

from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest

from nfed.stores.refill import refill
from nfed.stores.tables import below
from tests.support.municipal import CANCELLED, abrasf_1
from tests.support.notes import note
from tests.support.official_schema import NFELIB
from tests.support.other_documents import cte
from tests.support.stores import shelves

DATA = Path(__file__).parents[1] / "data" / "dfe"
KINDS = ("sqlite", "postgresql", "supabase")
MDFE = "http://www.portalfiscal.inf.br/mdfe"
CTE_KEY = "35260311222333000181570010000000771000000077"
MDFE_KEY = "35260311222333000181580010000000051000000051"


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def project(request, kind):
    """Started only where it is the one that is fed."""
    return request.getfixturevalue("supabase_session") if kind == "supabase" else None


@pytest.fixture
async def shelf(kind, project, tmp_path, postgres, migrated):
    async with shelves(kind, tmp_path, postgres, migrated, project) as made:
        yield await made.new()


def carrying(*keys):
    """A cteProc of CTE_KEY that carries notes of these keys."""
    notes = "".join(f"<infNFe><chave>{key}</chave></infNFe>" for key in keys)
    return (
        cte(CTE_KEY)
        .decode()
        .replace(
            "</vPrest>",
            "</vPrest><imp><ICMS><ICMS00><CST>00</CST><vBC>1234.56</vBC><pICMS>12.00</pICMS>"
            "<vICMS>148.15</vICMS></ICMS00></ICMS></imp>"
            f"<infCTeNorm><infDoc>{notes}</infDoc></infCTeNorm>",
        )
    )


def manifest():
    """An mdfeProc that unloads CTE_KEY."""
    return (
        f'<mdfeProc xmlns="{MDFE}" versao="3.00"><MDFe><infMDFe versao="3.00" Id="MDFe{MDFE_KEY}">'
        "<ide><mod>58</mod><serie>1</serie><nMDF>5</nMDF><dhEmi>2026-03-01T08:00:00-03:00</dhEmi>"
        "</ide><emit><CNPJ>11222333000181</CNPJ><xNome>TRANSPORTADORA</xNome></emit>"
        "<infDoc><infMunDescarga><cMunDescarga>3304557</cMunDescarga><xMunDescarga>RIO</xMunDescarga>"
        f"<infCTe><chCTe>{CTE_KEY}</chCTe></infCTe></infMunDescarga></infDoc>"
        "<tot><qCTe>1</qCTe><vCarga>9.99</vCarga><cUnid>01</cUnid><qCarga>1.0000</qCarga></tot>"
        '</infMDFe></MDFe><protMDFe versao="3.00"><infProt><tpAmb>2</tpAmb>'
        f"<chMDFe>{MDFE_KEY}</chMDFe><dhRecbto>2026-03-01T08:00:05-03:00</dhRecbto>"
        "<nProt>935260000000001</nProt><cStat>100</cStat><xMotivo>Autorizado</xMotivo></infProt>"
        "</protMDFe></mdfeProc>"
    )


def closing():
    """The event that closes MDFE_KEY, registered."""
    return (
        f'<procEventoMDFe xmlns="{MDFE}" versao="3.00"><eventoMDFe versao="3.00">'
        f'<infEvento Id="ID110112{MDFE_KEY}01"><cOrgao>33</cOrgao><tpAmb>2</tpAmb>'
        f"<CNPJ>11222333000181</CNPJ><chMDFe>{MDFE_KEY}</chMDFe>"
        "<dhEvento>2026-03-02T18:00:00-03:00</dhEvento><tpEvento>110112</tpEvento>"
        '<nSeqEvento>1</nSeqEvento><detEvento versaoEvento="3.00"><evEncMDFe>'
        "<descEvento>Encerramento</descEvento><nProt>935260000000001</nProt>"
        "<dtEnc>2026-03-02</dtEnc><cUF>33</cUF><cMun>3304557</cMun></evEncMDFe></detEvento>"
        '</infEvento></eventoMDFe><retEventoMDFe versao="3.00"><infEvento><tpAmb>2</tpAmb>'
        f"<cOrgao>33</cOrgao><cStat>135</cStat><xMotivo>Registrado</xMotivo>"
        f"<chMDFe>{MDFE_KEY}</chMDFe><tpEvento>110112</tpEvento><nSeqEvento>1</nSeqEvento>"
        "<dhRegEvento>2026-03-02T18:00:03-03:00</dhRegEvento><nProt>935260000000009</nProt>"
        "</infEvento></retEventoMDFe></procEventoMDFe>"
    )


def samples():
    """Real files, and nfelib's own: one of each kind."""
    return [
        (DATA / "cte-4.00.xml").read_bytes(),
        (DATA / "mdfe-3.00.xml").read_bytes(),
        (DATA / "nfse-1.01.xml").read_bytes(),
        (NFELIB / "bpe/samples/v1_0/bpe.xml").read_bytes(),
        (NFELIB / "nf3e/samples/v1_0/nota_energia-nf3e.xml").read_bytes(),
        (NFELIB / "nfcom/samples/v1_0/NFCom-nfcom.xml").read_bytes(),
        closing(),
    ]


def contents(shelf):
    """Every row below dfe_documentos, by table, without what numbers it."""
    found = {}
    for table in below("dfe_documentos"):
        names = ", ".join(column.name for column in table.columns)
        rows = shelf.rows(f"select {names} from {table.name} order by id")
        if rows:
            found[table.name] = [tuple(map(str, row)) for row in rows]
    return found


async def test_exact_decimals_and_moments_with_their_offset(shelf):
    await shelf.put(carrying("1" * 44))

    value, icms = shelf.one("select valor_prestacao, icms_valor from cte")
    assert (Decimal(str(value)), Decimal(str(icms))) == (Decimal("1234.56"), Decimal("148.15"))


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_note_its_cte_and_its_mdfe_find_each_other_in_any_order(shelf, order):
    xml = note(7)
    chave = xml.decode().partition('Id="NFe')[2][:44]
    files = [xml, carrying(chave), manifest()]

    for number in order:
        await shelf.put(files[number])

    found = shelf.rows(
        "select relacao, outra_chave from vw_documentos_relacionados "
        f"where chave_acesso = '{chave}' order by outra_chave"
    )
    assert found == [("transportada", CTE_KEY), ("manifestada", MDFE_KEY)]
    assert shelf.rows(
        "select sentido, outra_chave from vw_documentos_relacionados "
        f"where chave_acesso = '{CTE_KEY}' order by sentido"
    ) == [("cita", chave), ("citado por", MDFE_KEY)]


@pytest.mark.parametrize("closing_first", [True, False])
async def test_an_mdfe_is_closed_whichever_comes_first(shelf, closing_first):
    files = [closing(), manifest()] if closing_first else [manifest(), closing()]

    for xml in files:
        await shelf.put(xml)

    day, place, protocol = shelf.one(
        "select data_encerramento, codigo_municipio_encerramento, protocolo_encerramento from mdfe"
    )
    assert (str(day), place, protocol) == ("2026-03-02", "3304557", "935260000000009")
    assert shelf.one("select status from vw_documentos") == ("encerrada",)


async def test_one_list_has_documents_of_every_kind(shelf):
    await shelf.put(note(7), carrying("1" * 44), manifest())

    found = shelf.rows(
        "select especie, numero, emitente_cpf_cnpj, mes_emissao, status from vw_documentos "
        "where data_hora_emissao >= '2026-01-01' order by especie"
    )
    assert [row[0] for row in found] == ["cte", "mdfe", "nfe"]
    assert found[0][1:] == (77, "11222333000181", "2026-03", "autorizada")


async def test_documents_stored_before_there_were_tables_are_filled(shelf):
    await shelf.put(*samples())
    expected = contents(shelf)
    assert len(expected) > 25
    # As an older nfed left it: the whole text, and no row beside it.
    for table in reversed(below("dfe_documentos")):
        shelf.run(f"delete from {table.name}")
    shelf.run("update dfe_documentos set versao_linhas = null")

    steps = [progress async for progress in refill(shelf.refillable)]

    assert contents(shelf) == expected
    assert (steps[0].done, steps[-1].done, steps[-1].total) == (0, 7, 7)


async def test_refill_goes_on_where_it_was(shelf):
    await shelf.put(*samples())
    expected = contents(shelf)
    shelf.run("update dfe_documentos set versao_linhas = null")
    page = await shelf.refillable.stale(2)
    assert (len(page.documents), page.left, page.total) == (2, 7, 7)

    first = refill(shelf.refillable)
    await anext(first)
    await first.aclose()
    steps = [progress async for progress in refill(shelf.refillable)]

    assert contents(shelf).keys() == expected.keys()
    assert {name: len(rows) for name, rows in contents(shelf).items()} == {
        name: len(rows) for name, rows in expected.items()
    }
    assert steps[-1].done == 7
    assert (await shelf.refillable.stale(2)).documents == []


async def test_a_kept_text_that_is_another_documents_is_named_and_left(shelf):
    await shelf.put(carrying("1" * 44))
    shelf.run("update dfe_documentos set versao_linhas = null, xml = '<CTe/>'")

    steps = [progress async for progress in refill(shelf.refillable)]

    assert (steps[-1].done, steps[-1].unreadable) == (1, 1)
    assert shelf.one("select versao_linhas from dfe_documentos") == (0,)


async def test_the_bare_document_and_its_protocol_make_one_set_of_rows(shelf):
    whole = carrying("1" * 44)
    alone = whole[whole.index("<CTe>") : whole.index("</CTe>") + 6].replace(
        "<CTe>", '<CTe xmlns="http://www.portalfiscal.inf.br/cte">'
    )
    await shelf.put(alone)

    await shelf.put(whole)

    assert shelf.one("select status from dfe_documentos") == ("autorizada",)
    assert shelf.count("cte") == 1
    assert shelf.count("dfe_referencias") == 1


REPLACED_ROW = (
    "select d.status, d.fonte_cancelamento, d.data_hora_cancelamento, n.numero_nfse_substituta "
    "from dfe_documentos d join nfse n on n.dfe_documento_id = d.id where d.numero = 14"
)


def replaceable(number: int, replaces: str, provider: str = "11222333000181") -> str:
    xml = abrasf_1(number).replace(
        "<NfseSubstituida>14</NfseSubstituida>", f"<NfseSubstituida>{replaces}</NfseSubstituida>"
    )
    return xml.replace("<Cnpj>11222333000181</Cnpj>", f"<Cnpj>{provider}</Cnpj>")


@pytest.mark.parametrize("together", [True, False], ids=["one chunk", "in turn"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["replaced first", "replacing first"])
async def test_a_municipal_nfse_is_replaced_by_the_one_that_names_it(shelf, order, together):
    files = [replaceable(14, "0"), replaceable(15, "00014")]
    files = [files[each] for each in order]

    if together:
        await shelf.put(*files)
    else:
        for each in files:
            await shelf.put(each)

    status, source, when, number = shelf.one(REPLACED_ROW)
    assert (status, source, str(when), number) == (
        "cancelada",
        "substituta",
        "2026-03-05 10:11:12",
        "15",
    )
    assert shelf.one("select status from dfe_documentos where numero = 15") == ("autorizada",)


@pytest.mark.parametrize(
    "other",
    [
        replaceable(15, "14", provider="99888777000166"),
        replaceable(15, "14").replace(
            "<OrgaoGerador><CodigoMunicipio>3106200", "<OrgaoGerador><CodigoMunicipio>4106902"
        ),
        replaceable(15, "13"),
        replaceable(15, "0"),
    ],
    ids=["provider", "municipality", "number", "none"],
)
async def test_a_municipal_nfse_of_somebody_else_replaces_nothing(shelf, other):
    await shelf.put(replaceable(14, "0"))

    await shelf.put(other)

    assert shelf.one(REPLACED_ROW) == ("autorizada", None, None, None)


async def test_what_a_replaced_nfse_says_itself_of_its_end_stays(shelf):
    await shelf.put(replaceable(15, "14"))

    own = replaceable(14, "0").replace("</CompNfse>", f"{CANCELLED}</CompNfse>")
    await shelf.put(own)

    assert shelf.one(REPLACED_ROW) == ("cancelada", "protocolo", None, "15")
