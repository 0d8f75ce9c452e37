"""What the tax office says outranks what it never said, in every order, in every store.

The cases are small inputs of invented companies (tests/data/cases), each for a whole kind.
"""

import itertools
import random
import re

import pytest

from bench.generator import check_digit, with_protocol
from nfed.core.outcome import Duplicate, Imported, Outcome, Refused, Updated
from nfed.documents.layout import tables
from nfed.stores.tables import Backend, stored_columns
from tests.stores.test_store_contract import KINDS, comparable, key_of, kinds
from tests.support.cases import case
from tests.support.notes import note, with_value
from tests.support.other_documents import answer, distribution, event, proc_event, summary
from tests.support.stores import Shelf, incoming, shelves

EVENT = ("cancelada", "evento", "135260000000001")
BY_WHOM = "select status, fonte_cancelamento, protocolo_cancelamento from notas_fiscais"


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def project(request, kind):
    """Started only where it is the one that is fed."""
    return request.getfixturevalue("supabase_session") if kind == "supabase" else None


class Emptied:
    """One shelf, emptied whenever a new one is asked for: that takes a tenth of the time."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def new(self) -> Shelf:
        self._shelf.run("; ".join(f"delete from {name}" for name in reversed(tables())))
        return self._shelf


@pytest.fixture
async def made(kind, project, tmp_path, postgres, migrated):
    async with shelves(kind, tmp_path, postgres, migrated, project) as some:
        yield Emptied(await some.new())


@pytest.fixture
async def shelf(made):
    return await made.new()


def values(shelf: Shelf) -> dict[str, list[tuple[str, ...]]]:
    """All rows of notes and what is below, without what tells one run from another."""
    but = {"emitente_id", "destinatario_id", "arquivo_nome", "arquivo_sha256", "job_id"}
    found = {}
    for table in tables().values():
        names = [name for name in stored_columns(table, Backend.POSTGRES) if name not in but]
        if table.key is None or table.name == "notas_fiscais":
            rows = shelf.rows(f"select {', '.join(names)} from {table.name}")
            found[table.name] = sorted(comparable(names, row) for row in rows)
    found.pop("empresas")
    found["parties"] = sorted(
        shelf.rows(
            "select n.chave_acesso, e.razao_social, d.razao_social from notas_fiscais n "
            "left join empresas e on e.id = n.emitente_id "
            "left join empresas d on d.id = n.destinatario_id"
        )
    )
    return found


async def in_turn(shelf: Shelf, *files: str | bytes) -> list[Outcome]:
    return [outcome for each in files for outcome in await shelf.put(each)]


def orders(files: list[str | bytes]) -> list[tuple[str | bytes, ...]]:
    """Every order of a few files; of more, the two that are sorted and some others."""
    every = list(itertools.permutations(files))
    if len(every) <= 6:
        return every
    return [every[0], every[-1], *random.Random(20).sample(every[1:-1], 6)]


def digest_of(xml: bytes) -> str:
    return re.search(rb"<DigestValue>([^<]*)<", xml)[1].decode()


def draft_of(xml: bytes, digest: str = "3n+6m8bNcMbm2mZrnbVyMbHWmBU=") -> bytes:
    """The note without its protocol and with other content, signed anew."""
    bare = re.search(rb"<NFe.*</NFe>", xml, re.S)[0]
    changed = with_value(bare, "xProd", "RASCUNHO")
    changed = re.sub(
        rb"(<dest>.*?<xNome>)[^<]*", rb"\g<1>COMPRADOR DO RASCUNHO", changed, flags=re.S
    )
    return with_value(changed, "DigestValue", digest)


def protocol_of(xml: bytes, cstat: str = "100", digest: str | None = None) -> str:
    """The answer to that note, by itself."""
    named = digest_of(xml) if digest is None else digest
    return (
        '<protNFe xmlns="http://www.portalfiscal.inf.br/nfe" versao="4.00"><infProt>'
        f"<tpAmb>2</tpAmb><verAplic>SP1</verAplic><chNFe>{key_of(xml)}</chNFe>"
        "<dhRecbto>2026-03-01T10:00:00-03:00</dhRecbto><nProt>135260000000009</nProt>"
        f"<digVal>{named}</digVal><cStat>{cstat}</cStat><xMotivo>x</xMotivo></infProt></protNFe>"
    )


FOREIGN = ("63a-bare-A.xml", "63b-protB-alone.xml", "63c-procB.xml")


# Two contents under one key.


@pytest.mark.parametrize("rejected", [False, True])
async def test_what_was_accepted_takes_the_place_of_what_never_was_with_all_its_rows(
    made, rejected
):
    pairs = [
        (case("01a-bare-rejected.xml"), case("01b-proc-authorised.xml")),
        (draft_of(note(1)), note(1)),
    ]
    for draft, authorised in pairs:
        if rejected:
            draft = with_protocol(draft, c_stat="225")
        alone = await made.new()
        await alone.put(authorised)

        expected = values(alone)
        shelf = await made.new()
        outcomes = await in_turn(shelf, draft, authorised)

        assert kinds(outcomes) == [Imported, Updated]
        assert [(each.chave, each.file_name) for each in outcomes[1].superseded] == [
            (key_of(draft), "0.xml")
        ]
        assert [each.code for each in outcomes[1].findings] == ["AUT-SUPERSEDES"]
        assert values(shelf) == expected


@pytest.mark.parametrize("cstat", ["100", "150", "302", "101"])
async def test_whatever_the_tax_office_decided_outranks_a_draft(shelf, cstat):
    whole = with_protocol(re.search(rb"<NFe.*</NFe>", note(1), re.S)[0], c_stat=cstat)

    outcomes = await in_turn(shelf, draft_of(note(1)), whole)

    assert kinds(outcomes) == [Imported, Updated]
    assert shelf.one("select codigo_status from notas_fiscais") == (cstat,)


async def test_in_one_batch_the_result_is_the_same_in_every_order(made):
    whole = note(1)
    bare = re.search(rb"<NFe.*</NFe>", whole, re.S)[0]
    draft = draft_of(whole)
    lots = [
        ([case("01a-bare-rejected.xml"), case("01b-proc-authorised.xml")], 1),
        ([draft, whole, with_protocol(draft, c_stat="225")], 2),
        ([draft, bare, protocol_of(whole)], 1),
        ([draft, bare, summary(key_of(whole)), proc_event(key_of(whole)), whole], 1),
    ]
    for files, refused in lots:
        found = []
        for order in orders(files):
            shelf = await made.new()
            outcomes = dict(zip(order, await shelf.put(*order), strict=True))
            wrong = [each for each in outcomes.values() if isinstance(each, Refused)]
            assert len(wrong) == refused
            assert all("superseded by the authorised note from" in each.error for each in wrong)
            found.append(values(shelf))
        assert all(each == found[0] for each in found)


async def test_over_batches_the_note_is_the_same_in_every_order(made):
    whole = note(1)
    bare = re.search(rb"<NFe.*</NFe>", whole, re.S)[0]
    for files in (
        [draft_of(whole), whole],
        [draft_of(whole), whole, proc_event(key_of(whole)), protocol_of(whole)],
        [bare, protocol_of(whole), summary(key_of(whole), "3"), proc_event(key_of(whole))],
    ):
        found = []
        for order in orders(files):
            shelf = await made.new()
            await in_turn(shelf, *order)
            held = values(shelf)
            # How it came to its protocol, and the text that came with it, are of the files.
            held.pop("nf_processamento")
            status = shelf.rows(f"{BY_WHOM}")
            found.append((status, held["nf_itens"], held["parties"], held["nf_partes"]))
        assert all(each == found[0] for each in found)


@pytest.mark.parametrize("together", [True, False])
async def test_a_draft_after_the_authorised_note_is_superseded(shelf, together):
    draft, authorised = case("01a-bare-rejected.xml"), case("01b-proc-authorised.xml")

    put = shelf.put if together else lambda *files: in_turn(shelf, *files)
    outcomes = await put(authorised, draft)

    assert kinds(outcomes) == [Imported, Refused]
    assert outcomes[1].error_type == "ConflictingDocument"
    assert "superseded by the authorised note from '0.xml'" in outcomes[1].error


async def test_among_equals_it_is_said_which_of_the_two_lies_where(shelf):
    for files in ([draft_of(note(1)), draft_of(with_value(note(1), "natOp", "OUTRA"))],
                  [note(2), with_value(note(2), "natOp", "OUTRA")]):  # fmt: skip
        outcomes = await in_turn(shelf, *files)

        assert kinds(outcomes) == [Imported, Refused]
        assert re.search(
            r"stored from file '0.xml', which lies in done/ \(\w+\).* this file \(\w+\), which "
            "goes to failed/",
            outcomes[1].error,
        )


async def test_blanks_inside_a_text_make_no_other_content(shelf):
    xml = with_value(note(1), "natOp", "Venda de  mercadoria")
    indented = with_value(note(1), "natOp", "Venda de\n      mercadoria")

    outcomes = await in_turn(shelf, xml, indented, with_value(note(1), "natOp", "Venda"))

    assert kinds(outcomes) == [Imported, Duplicate, Refused]


async def test_content_that_an_older_nfed_digested_blank_by_blank_is_known_again(shelf):
    xml = with_value(note(1), "natOp", "Venda de  mercadoria")
    await shelf.put(xml)

    (document,) = (each.document for each in incoming(xml))
    assert document.content_as_written not in (None, document.content_sha256)
    shelf.run(f"update notas_fiscais set conteudo_sha256 = '{document.content_as_written}'")

    assert kinds(await in_turn(shelf, xml)) == [Duplicate]


# A protocol by itself.


async def test_a_protocol_of_other_content_says_nothing_of_the_draft(made):
    draft, protocol, whole = (
        case("63a-bare-A.xml"),
        case("63b-protB-alone.xml"),
        case("63c-procB.xml"),
    )
    for order in ((draft, protocol), (protocol, draft)):
        shelf = await made.new()
        outcomes = await in_turn(shelf, *order)

        assert kinds(outcomes) == [Imported, Imported]
        assert shelf.one("select status, numero_protocolo from notas_fiscais") == ("emitida", None)
        assert [each.code for each in outcomes[1].findings] == ["SIG-PROTOCOL"]

        assert kinds(await in_turn(shelf, whole)) == [Updated]
        assert shelf.one("select status, digest_value from notas_fiscais") == (
            "autorizada",
            digest_of(whole),
        )
        assert kinds(await in_turn(shelf, draft)) == [Refused]


async def test_of_two_drafts_the_protocol_names_the_one_that_was_accepted(made):
    """The second, whose protocol came by itself, takes the place of the first."""
    draft, protocol, whole = (
        case("63a-bare-A.xml"),
        case("63b-protB-alone.xml"),
        case("63c-procB.xml"),
    )
    bare = re.search(rb"<NFe.*</NFe>", whole, re.S)[0]
    for order in ((draft, protocol, bare), (protocol, draft, bare), (protocol, bare, draft)):
        shelf = await made.new()
        outcomes = await in_turn(shelf, *order)

        assert shelf.one("select status, digest_assinatura from notas_fiscais") == (
            "autorizada",
            digest_of(whole),
        )
        assert shelf.one("select count(*) from nf_itens") == (whole.count(b"<det "),)
        by_file = dict(zip(order, outcomes, strict=True))
        assert isinstance(by_file[bare], Updated if order.index(draft) < 2 else Imported)


@pytest.mark.parametrize("together", [True, False], ids=["one chunk", "in turn"])
async def test_a_refused_draft_takes_its_place_by_a_retry_once_its_protocol_is_stored(
    made, together
):
    """A database holds one note a key, so the second waits in failed/, and its advice says so."""
    draft, protocol, whole = (
        case("63a-bare-A.xml"),
        case("63b-protB-alone.xml"),
        case("63c-procB.xml"),
    )
    bare = re.search(rb"<NFe.*</NFe>", whole, re.S)[0]
    shelf = await made.new()

    first = await (shelf.put(draft, bare) if together else in_turn(shelf, draft, bare))

    assert kinds(first) == [Imported, Refused]
    assert "once that is stored too, `nfed retry` lets this file take" in first[1].advice
    (told,) = await in_turn(shelf, protocol)
    assert [each.code for each in told.findings] == ["SIG-PROTOCOL"]
    assert kinds(await in_turn(shelf, bare)) == [Updated]
    assert shelf.one("select status, digest_assinatura from notas_fiscais") == (
        "autorizada",
        digest_of(whole),
    )


@pytest.mark.parametrize("signed", [True, False])
async def test_a_note_takes_the_protocol_that_names_its_digest(made, signed):
    """Indented anew, it is the DigestValue as written that counts."""
    bare = re.search(rb"<NFe.*</NFe>", note(1), re.S)[0]
    given = protocol_of(note(1))
    if signed:
        bare = bare.replace(b"><", b">\n  <")
    else:
        bare = re.sub(rb"<Signature.*</Signature>", b"", bare, flags=re.S)
    for order in ((bare, given), (given, bare)):
        shelf = await made.new()

        outcomes = await in_turn(shelf, *order)

        assert [each.findings for each in outcomes] == [(), ()]
        assert shelf.one("select status, numero_protocolo from notas_fiscais") == (
            "autorizada",
            "135260000000009",
        )


async def test_a_note_that_an_older_nfed_stored_takes_its_own_protocol_alone(shelf):
    """It kept no digest, but the text."""
    await shelf.put(note(1, authorised=False))
    shelf.run("update notas_fiscais set digest_assinatura = null")

    await shelf.put(protocol_of(note(1), digest="AAAAAAAAAAAAAAAAAAAAAAAAAAA="))
    assert shelf.one("select status from notas_fiscais") == ("emitida",)
    await shelf.put(protocol_of(note(1)).replace("000009", "000010"))

    assert shelf.one("select status from notas_fiscais") == ("autorizada",)


async def test_a_note_whose_own_protocol_names_another_digest_keeps_its_status(shelf):
    xml = with_value(note(1), "digVal", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")

    await shelf.put(xml)

    assert shelf.one("select status from notas_fiscais") == ("autorizada",)


async def test_the_genuine_note_takes_the_place_of_one_with_a_foreign_protocol(shelf):
    whole = note(1)
    forged = with_protocol(draft_of(whole))
    forged = with_value(forged, "digVal", digest_of(whole))

    outcomes = await in_turn(shelf, forged, whole)

    assert kinds(outcomes) == [Imported, Updated]
    assert shelf.rows("select 1 from nf_itens where descricao = 'RASCUNHO'") == []


# Cancellation, whatever says so.


def old_cancellation(chave: str, root: str = "procCancNFe", cstat: str = "101") -> str:
    """How a note was cancelled until 2013: both, or the answer alone."""
    xml = case("05b-procCancNFe.xml").decode()
    xml = re.sub(r"\d{44}", chave, xml).replace("<cStat>101<", f"<cStat>{cstat}<")
    if root == "procCancNFe":
        return xml
    found = re.search(rf"<{root}.*</{root}>", xml, re.S)[0]
    return found.replace(f"<{root}", f'<{root} xmlns="http://www.portalfiscal.inf.br/nfe"', 1)


def consultation(chave: str, cstat: str = "101", *parts: str) -> str:
    return (
        '<retConsSitNFe xmlns="http://www.portalfiscal.inf.br/nfe" versao="4.00"><tpAmb>1</tpAmb>'
        f"<verAplic>x</verAplic><cStat>{cstat}</cStat><xMotivo>x</xMotivo><cUF>35</cUF>"
        f"<dhRecbto>2026-11-24T10:00:00-03:00</dhRecbto><chNFe>{chave}</chNFe>"
        f"{''.join(parts)}</retConsSitNFe>"
    )


def summary_of_event(chave: str, kind: str = "110111") -> str:
    xml = re.sub(r"\d{44}", chave, case("03b-resEvento-canc.xml").decode())
    return xml.replace("<tpEvento>110111<", f"<tpEvento>{kind}<")


CHAVE = key_of(note(1))
WORDS = {
    "event": (proc_event(CHAVE), "evento", "135260000000001"),
    "substitution": (proc_event(CHAVE, "110112"), "evento", "135260000000001"),
    "late": (proc_event(CHAVE, cstat="155"), "evento", "135260000000001"),
    "answer": (answer(CHAVE), "evento", "135260000000001"),
    "summary of event": (summary_of_event(CHAVE), "resumo", "135260000000099"),
    "summary of note": (summary(CHAVE, "3"), "resumo", None),
    "packed": (distribution(summary(CHAVE, "3")), "resumo", None),
    "procCancNFe": (old_cancellation(CHAVE), "cancNFe", "135260000000002"),
    "retCancNFe": (old_cancellation(CHAVE, "retCancNFe"), "cancNFe", "135260000000002"),
    "retCancNFe late": (
        old_cancellation(CHAVE, "retCancNFe", "151"),
        "cancNFe",
        "135260000000002",
    ),
    **{
        f"consultation {cstat}": (consultation(CHAVE, cstat), "consulta", None)
        for cstat in ("101", "151", "155")
    },
    "consultation with protocol": (
        consultation(CHAVE, "101", protocol_of(note(1))),
        "consulta",
        None,
    ),
    "consultation with event": (
        consultation(CHAVE, "101", proc_event(CHAVE).decode()),
        "evento",
        "135260000000001",
    ),
    "consultation with retCancNFe": (
        consultation(CHAVE, "101", old_cancellation(CHAVE, "retCancNFe")),
        "cancNFe",
        "135260000000002",
    ),
    **{
        f"protocol {cstat}": (protocol_of(note(1), cstat), "protocolo", "135260000000009")
        for cstat in ("101", "151", "155", "135", "136")
    },
    "protocol without its content": (
        protocol_of(note(1), "101", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        "protocolo",
        "135260000000009",
    ),
}


@pytest.mark.parametrize("name", WORDS)
async def test_a_cancellation_reaches_its_note_from_whatever_says_so_in_either_order(made, name):
    word, source, number = WORDS[name]
    for files in ([note(1), word], [word, note(1)]):
        for together in (True, False):
            shelf = await made.new()
            await (shelf.put(*files) if together else in_turn(shelf, *files))

            assert shelf.one(BY_WHOM) == ("cancelada", source, number)
            (when,) = shelf.one("select data_hora_cancelamento from notas_fiscais")
            assert (when is None) is (number is None)


@pytest.mark.parametrize("cstat", ["101", "151", "155", "135", "136"])
async def test_the_protocol_in_the_note_itself_may_say_that_it_is_cancelled(made, cstat):
    whole = note(1)
    rewritten = with_value(whole, "cStat", cstat)
    for files in ([rewritten], [whole, rewritten], [rewritten, whole]):
        shelf = await made.new()
        await in_turn(shelf, *files)

        status, source, number = shelf.one(BY_WHOM)
        assert (status, source) == ("cancelada", "protocolo")
        assert number == re.search(rb"<nProt>(\d+)<", whole)[1].decode()


async def test_the_best_word_is_kept_in_every_order(made):
    files = [
        note(1),
        summary(CHAVE, "3"),
        summary_of_event(CHAVE),
        consultation(CHAVE),
        proc_event(CHAVE),
    ]
    for order in orders(files):
        shelf = await made.new()
        await in_turn(shelf, *order)

        assert shelf.one(BY_WHOM) == EVENT
        assert shelf.one("select justificativa_cancelamento from notas_fiscais") == (
            "erro de digitação",
        )
        assert shelf.count("nf_resumos") == 0


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("03a-note.xml", "03b-resEvento-canc.xml"), ("cancelada", "resumo", "135260000000099")),
        (("05a-note.xml", "05b-procCancNFe.xml"), ("cancelada", "cancNFe", "135260000000002")),
        (("88a-note.xml", "88b-sit-retCanc.xml"), ("cancelada", "cancNFe", "135260000000002")),
        (("64a-proc100.xml", "64b-proc135.xml"), ("cancelada", "protocolo", "135260000000001")),
        (("64b-proc135.xml",), ("cancelada", "protocolo", "135260000000001")),
        (
            ("67a-note.xml", "67b-canc.xml", "67c-canc-573.xml"),
            ("cancelada", "evento", "135260000000099"),
        ),
    ],
)
async def test_the_cases_of_cancelled_notes(made, files, expected):
    for order in orders(files):
        shelf = await made.new()
        await in_turn(shelf, *map(case, order))

        assert shelf.one(BY_WHOM) == expected


async def test_a_cancellation_that_was_refused_cancels_nothing(shelf):
    await in_turn(
        shelf,
        note(1),
        old_cancellation(CHAVE, cstat="220"),
        proc_event(CHAVE, cstat="501"),
        consultation(CHAVE, "100", protocol_of(note(1))),
    )

    assert shelf.one("select status from notas_fiscais") == ("autorizada",)


async def test_the_cancellation_is_the_keys_and_stays_when_the_draft_goes(made):
    for word in (summary(CHAVE, "3"), summary_of_event(CHAVE), proc_event(CHAVE)):
        shelf = await made.new()
        await in_turn(shelf, draft_of(note(1)), word, note(1))

        assert shelf.one("select status from notas_fiscais") == ("cancelada",)
        assert shelf.rows("select 1 from nf_itens where descricao = 'RASCUNHO'") == []


# Events.


async def test_a_second_try_that_was_answered_as_double_is_a_duplicate(made):
    for order in itertools.permutations((case("67b-canc.xml"), case("67c-canc-573.xml"))):
        shelf = await made.new()
        outcomes = dict(
            zip(order, await in_turn(shelf, case("67a-note.xml"), *order), strict=False)
        )
        await in_turn(shelf, case("67c-canc-573.xml"))

        assert shelf.one("select status, numero_protocolo, codigo_status from nf_eventos") == (
            "registrado",
            "135260000000099",
            "135",
        )
        assert not any(isinstance(each, Refused) for each in outcomes)


async def test_an_event_that_was_never_answered_is_superseded_by_the_registered_one(shelf):
    outcomes = await in_turn(shelf, proc_event(CHAVE), event(CHAVE, text="<xJust>outra</xJust>"))

    assert kinds(outcomes) == [Imported, Refused]
    assert "superseded by the registered event from '0.xml'" in outcomes[1].error


async def test_the_summary_of_an_event_stays_while_only_a_try_of_it_is_stored(shelf):
    """The try was answered as double, or never: the summary tells of the one that counts."""
    tries = [summary_of_event(CHAVE), proc_event(CHAVE, cstat="573"), note(1)]

    await in_turn(shelf, *tries)

    assert shelf.one("select status from notas_fiscais") == ("cancelada",)


# A summary's news.


@pytest.mark.parametrize(("situation", "status"), [("1", "autorizada"), ("2", "denegada")])
async def test_a_summary_tells_a_note_that_is_there_how_it_stands(made, situation, status):
    bare = note(1, authorised=False)
    told = summary(CHAVE, situation).replace("A" * 27 + "=", digest_of(bare))
    for files in ([bare, told], [told, bare]):
        shelf = await made.new()
        await in_turn(shelf, *files)

        assert shelf.one("select status, numero_protocolo from notas_fiscais") == (
            status,
            "135260000000009",
        )
        assert shelf.count("nf_resumos") == 0
        await in_turn(shelf, note(1))
        assert shelf.one("select codigo_status from notas_fiscais") == ("100",)


async def test_a_summary_of_other_content_says_nothing_of_the_draft(shelf):
    await in_turn(shelf, draft_of(note(1)), summary(CHAVE))

    assert shelf.one("select status from notas_fiscais") == ("emitida",)
    assert shelf.count("nf_resumos") == 1
    await in_turn(shelf, note(1))
    assert shelf.count("nf_resumos") == 0


# Other documents.


OTHERS = {
    "CTe": ("cteProc", "CTe", "infCte", "chCTe", "57"),
    "CTeOS": ("cteOSProc", "CTe", "infCte", "chCTe", "67"),
    "GTVe": ("GTVeProc", "CTe", "infCte", "chCTe", "64"),
    "CTeSimp": ("cteSimpProc", "CTe", "infCte", "chCTe", "57"),
    "MDFe": ("mdfeProc", "MDFe", "infMDFe", "chMDFe", "58"),
    "NFCom": ("nfcomProc", "NFCom", "infNFCom", "chNFCom", "62"),
    "NF3e": ("nf3eProc", "NF3e", "infNF3e", "chNF3e", "66"),
    "BPe": ("bpeProc", "BPe", "infBPe", "chBPe", "63"),
    "BPeTM": ("bpetmProc", "BPe", "infBPe", "chBPe", "63"),
    "BPeTA": ("bpeTAProc", "BPe", "infBPe", "chBPe", "63"),
}
STATE = (
    "select status, numero_protocolo, fonte_cancelamento, protocolo_cancelamento "
    "from dfe_documentos where especie = 'documento'"
)
DIGEST = "t5oqrgsnUt7csv29acgyPf12GXs="


def key_for(model: str) -> str:
    first = f"35260311222333000181{model}0010000000771000000" + "07"
    return first + check_digit(first)


def other(name: str, value: str = "10.00", digest: str = DIGEST) -> str:
    """A document that is no note, without an answer."""
    _, family, group, _, model = OTHERS[name]
    return (
        f'<{name} xmlns="urn:x"><{group} versao="4.00" Id="{name}{key_for(model)}"><ide>'
        f"<mod>{model}</mod><dhEmi>2026-03-01T09:00:00-03:00</dhEmi></ide>"
        f"<total><vNF>{value}</vNF></total></{group}>"
        f"<Signature><SignedInfo><Reference><DigestValue>{digest}</DigestValue></Reference>"
        f"</SignedInfo></Signature></{name}>"
    ).replace(f'Id="{name}', f'Id="{"CTe" if group == "infCte" else family}')


def other_protocol(name: str, cstat: str = "100", digest: str = DIGEST, number: int = 1) -> str:
    _, family, _, key, model = OTHERS[name]
    return (
        f'<prot{family} xmlns="urn:x" versao="4.00"><infProt><{key}>{key_for(model)}</{key}>'
        f"<dhRecbto>2026-03-01T10:00:00-03:00</dhRecbto><nProt>13526000000000{number}</nProt>"
        f"<digVal>{digest}</digVal><cStat>{cstat}</cStat><xMotivo>x</xMotivo></infProt>"
        f"</prot{family}>"
    )


def proc(name: str, *parts: str) -> str:
    return f'<{OTHERS[name][0]} xmlns="urn:x">{"".join(parts)}</{OTHERS[name][0]}>'


def other_event(name: str, kind: str = "110111", cstat: str = "135") -> str:
    _, family, _, key, model = OTHERS[name]
    about = f"<cOrgao>35</cOrgao><{key}>{key_for(model)}</{key}>"
    about += f"<tpEvento>{kind}</tpEvento><nSeqEvento>1</nSeqEvento>"
    return (
        f'<procEvento{family} xmlns="urn:x"><evento{family}><infEvento>{about}'
        f"<dhEvento>2026-03-02T10:00:00-03:00</dhEvento></infEvento></evento{family}>"
        f"<retEvento{family}><infEvento>{about}<cStat>{cstat}</cStat><nProt>135260000000077</nProt>"
        f"</infEvento></retEvento{family}></procEvento{family}>"
    )


def other_consultation(name: str, cstat: str = "101", *parts: str) -> str:
    _, family, _, _, _ = OTHERS[name]
    return (
        f'<retConsSit{family} xmlns="urn:x"><cStat>{cstat}</cStat><xMotivo>x</xMotivo>'
        f"{''.join(parts)}</retConsSit{family}>"
    )


@pytest.mark.parametrize("name", OTHERS)
async def test_a_protocol_by_itself_reaches_its_document_of_every_kind(made, name):
    for files in ([other(name), other_protocol(name)], [other_protocol(name), other(name)]):
        for together in (True, False):
            shelf = await made.new()
            await (shelf.put(*files) if together else in_turn(shelf, *files))

            assert shelf.one(STATE) == ("autorizada", "135260000000001", None, None)
            assert set(kinds(await in_turn(shelf, *files))) == {Duplicate}


async def test_the_case_of_a_cte_and_its_protocol(made):
    for order in itertools.permutations((case("06i-cte-bare.xml"), case("06j-protCTe.xml"))):
        shelf = await made.new()
        await in_turn(shelf, *order)

        assert shelf.one(STATE)[:2] == ("autorizada", "135260000000001")


@pytest.mark.parametrize("name", OTHERS)
async def test_accepted_outranks_never_accepted_in_every_kind(made, name):
    draft = other(name, "99.00", "mAJ/DtplvQBZKVOwEMeTqHJZdmU=")
    bare, protocol = other(name), other_protocol(name)
    whole = proc(name, bare, protocol)
    value = "select count(*) from dfe_documentos where xml like '%<vNF>10.00<%'"
    for files in (
        [draft, whole],
        [whole, draft],
        [draft, protocol, bare],
        [protocol, bare, draft],
        [proc(name, draft, other_protocol(name, "225", "", 2)), whole],
    ):
        for together in (True, False):
            shelf = await made.new()
            await (shelf.put(*files) if together else in_turn(shelf, *files))

            assert shelf.one(STATE)[0] == "autorizada"
            assert shelf.one(f"{value} and especie = 'documento'") == (1,)
    shelf = await made.new()
    outcomes = await in_turn(shelf, whole, draft)
    assert "superseded by the authorised document from '0.xml'" in outcomes[1].error
    shelf = await made.new()
    outcomes = await in_turn(shelf, draft, protocol)
    assert [each.code for each in outcomes[1].findings] == ["SIG-PROTOCOL"]
    assert shelf.one(STATE)[0] == "emitida"


@pytest.mark.parametrize("name", OTHERS)
async def test_a_cancellation_reaches_a_document_of_every_kind(made, name):
    whole = proc(name, other(name), other_protocol(name))
    inner = other_protocol(name)
    words = [
        (other_event(name), "evento", "135260000000077"),
        (other_protocol(name, "101", number=2), "protocolo", "135260000000002"),
        (other_protocol(name, "135", number=2), "protocolo", "135260000000002"),
        (other_consultation(name, "101", inner), "consulta", None),
        (other_consultation(name, "101", inner, other_event(name)), "evento", "135260000000077"),
    ]
    for word, source, number in words:
        for files in ([whole, word], [word, whole]):
            shelf = await made.new()
            await in_turn(shelf, *files)

            status, _, *by = shelf.one(STATE)
            assert (status, *by) == ("cancelada", source, number)
            assert set(kinds(await in_turn(shelf, *files))) == {Duplicate}


async def test_a_cte_of_the_time_before_events_is_cancelled_by_its_procCancCTe(made):  # noqa: N802
    whole = proc("CTe", other("CTe"), other_protocol("CTe"))
    key = f"<chCTe>{key_for('57')}</chCTe>"
    sent = f'<cancCTe versao="1.04"><infCanc Id="ID1">{key}<nProt>1</nProt></infCanc></cancCTe>'
    answered = (
        f'<retCancCTe versao="1.04"><infCanc><cStat>101</cStat>{key}'
        "<dhRecbto>2012-03-01T10:00:00</dhRecbto><nProt>135120000000002</nProt></infCanc></retCancCTe>"
    )
    for word in (
        f'<procCancCTe xmlns="urn:x" versao="1.04">{sent}{answered}</procCancCTe>',
        answered.replace("<retCancCTe", '<retCancCTe xmlns="urn:x"'),
    ):
        for files in ([whole, word], [word, whole]):
            shelf = await made.new()
            await in_turn(shelf, *files)

            status, _, *by = shelf.one(STATE)
            assert (status, *by) == ("cancelada", "cancCTe", "135120000000002")


@pytest.mark.parametrize(
    "word",
    [
        other_event("MDFe", "110112"),
        other_event("MDFe", "310112"),
        other_protocol("MDFe", "132", number=2),
        other_protocol("MDFe", "103", number=2),
        other_consultation("MDFe", "132", other_protocol("MDFe")),
    ],
)
async def test_an_mdfe_whose_journey_has_ended_is_closed(made, word):
    whole = proc("MDFe", other("MDFe"), other_protocol("MDFe"))
    for files in ([whole, word], [word, whole]):
        shelf = await made.new()
        await in_turn(shelf, *files)

        assert shelf.one(STATE)[0] == "encerrada"
    for cstat in ("132", "103"):
        shelf = await made.new()
        await in_turn(shelf, proc("MDFe", other("MDFe"), other_protocol("MDFe", cstat)))
        assert shelf.one(STATE)[0] == "encerrada"


async def test_an_event_of_another_kind_closes_nothing(shelf):
    await in_turn(
        shelf, proc("CTe", other("CTe"), other_protocol("CTe")), other_event("CTe", "110112")
    )

    assert shelf.one(STATE)[0] == "autorizada"
