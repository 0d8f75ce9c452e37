"""Every note is printed, or one sentence says why not; what is printed is read back."""

import asyncio
import io
import os
import re
import signal
from datetime import date

import pytest
from lxml import etree
from pypdf import PdfReader

from bench.fuzz import mutated, seeds
from nfed.documents.xml.parse import parse
from nfed.errors import DocumentError
from nfed.exports.printer import LAYOUTS, Order, Printed, Unprintable, print_document
from nfed.exports.printing import Printing
from tests.exports.test_package import imported
from tests.support.cli_command import nfed
from tests.support.notes import generator, with_value
from tests.support.other_documents import cte, proc_event

NOTES = [generator().note(n, items=n % 5 + 1, rich=True) for n in range(5)]
CONSUMER = [generator().note(n, items=3, rich=True, modelo="65") for n in range(2)]
NFE = next(each for each in NOTES if each.chave[20:22] == "55")
NS = {"n": "http://www.portalfiscal.inf.br/nfe"}
HARD = "“aspas” – travessão… ≥ 5 Ω · 30 μm • € 😀 日本 ﬁm e\u0301\u200b"


def text_of(pdf):
    pages = PdfReader(io.BytesIO(pdf)).pages
    assert pages
    return "\n".join(page.extract_text() for page in pages)


def leaf(note, path):
    return etree.fromstring(note.xml).xpath(f"string(//n:{path})", namespaces=NS)


def brazilian(amount):
    return f"{float(amount):,.2f}".replace(",", "x").replace(".", ",").replace("x", ".")


def printed(xml, **how):
    found = print_document(Order(xml if isinstance(xml, str) else parse(xml).text, **how))
    assert isinstance(found, Printed), found
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("note", [*NOTES, *CONSUMER], ids=lambda each: each.chave[20:34])
def test_a_printed_note_shows_its_key_its_total_and_its_protocol(note, layout):
    found = printed(note.xml, layout=layout)

    told = text_of(found.pdf)
    digits = re.sub(r"\s", "", told)
    assert note.chave in digits
    assert leaf(note, "infProt/n:nProt") in digits
    assert brazilian(leaf(note, "ICMSTot/n:vNF")) in told
    simplified = leaf(note, "ide/n:tpImp") == "6" and note.chave[20:22] == "55"
    assert [remark[:7] for remark in found.remarks] == ["tpImp 6"] * simplified


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("note", [NFE, CONSUMER[0]], ids=["55", "65"])
def test_letters_that_the_fonts_lack_are_written_otherwise_or_named(note, layout):
    found = printed(with_value(note.xml, "xProd", HARD), layout=layout)

    told = " ".join(text_of(found.pdf).split())
    assert '"aspas" - travessão... >= 5 ohm' in told
    assert "fim é" in told
    *_, remark = found.remarks
    assert "U+1F600" in remark
    assert "U+65E5" in remark


def test_a_note_without_namespace_and_one_with_prefixes_are_printed():
    plain = NFE.xml.replace(b' xmlns="http://www.portalfiscal.inf.br/nfe"', b"")
    tree = etree.fromstring(NFE.xml)
    prefixed = etree.tostring(tree).replace(b"<", b"<nfe:").replace(b"<nfe:/", b"</nfe:")
    prefixed = prefixed.replace(b"xmlns=", b"xmlns:nfe=")

    for xml in (plain, prefixed, b"<lote>" + etree.tostring(tree) + b"</lote>"):
        assert NFE.chave in re.sub(r"\s", "", text_of(printed(xml).pdf))


def test_a_cancelled_note_bears_that_and_no_other_does():
    real = with_value(NFE.xml, "tpAmb", "1")

    for note in (NFE.xml, real, CONSUMER[0].xml):
        assert "CANCELADA" in text_of(printed(note, is_cancelled=True).pdf)
        assert "CANCELADA" not in text_of(printed(note).pdf)


def test_a_correction_stands_below_its_note():
    event = proc_event(NFE.chave, "110110").decode().replace("xJust", "xCorrecao")

    found = printed(NFE.xml, corrections=(event,))

    pages = PdfReader(io.BytesIO(found.pdf)).pages
    assert len(pages) == len(PdfReader(io.BytesIO(printed(NFE.xml).pdf)).pages) + 1
    assert "erro de digitação" in pages[-1].extract_text()
    assert "Carta de Correção" in pages[-1].extract_text()


def test_the_same_note_gives_the_same_bytes():
    assert printed(NFE.xml).pdf == printed(NFE.xml).pdf


@pytest.mark.parametrize(
    ("day", "layout"), [(date(2026, 11, 30), "moc_7_0"), (date(2026, 12, 1), "nt_2026_010")]
)
def test_the_layout_goes_by_the_day_of_issue(day, layout):
    xml = with_value(NFE.xml, "dhEmi", f"{day}T10:00:00-03:00")

    assert printed(xml).pdf == printed(xml, layout=layout).pdf


def test_a_freight_bill_is_printed_or_says_what_it_lacks():
    xml = cte("35260311222333000181570010000000771000000073").decode()

    found = print_document(Order(xml))

    assert isinstance(found, Unprintable)  # the test's own has no modal
    assert found.reason.startswith("the printed form's layout cannot take this document")
    assert "\n" not in found.reason


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        (proc_event(NFE.chave).decode(), "<evento> has no printed form here"),
        ("<retEvento/>", "an answer of the tax office alone"),
        ("<lixo/>", "<lixo>"),
        ("lixo", "not XML"),
        ("", "empty"),
    ],
)
def test_what_has_no_printed_form_is_named(xml, told):
    found = print_document(Order(xml))

    assert isinstance(found, Unprintable)
    assert told in found.reason


def test_no_mutated_note_raises():
    """Some are printed, and the others have their sentence."""
    first = seeds()
    told = []
    for number in range(60):
        try:
            text = parse(mutated(number, first)).text
        except DocumentError:
            continue
        told.append(print_document(Order(text)))

    assert len(told) > 20
    assert sum(isinstance(each, Printed) for each in told) > 5
    assert all(each.reason.count("\n") == 0 for each in told if isinstance(each, Unprintable))


async def test_a_process_that_dies_is_replaced():
    printing = Printing()
    order = Order(parse(NFE.xml).text)
    try:
        assert isinstance(await printing.print(order), Printed)
        os.kill(printing._process.pid, signal.SIGKILL)

        lost = await printing.print(order)

        assert isinstance(lost, Unprintable)
        assert isinstance(await printing.print(order), Printed)
    finally:
        await printing.close()


async def test_a_process_that_hangs_is_given_up():
    printing = Printing(seconds=30)
    order = Order(parse(NFE.xml).text)
    try:
        await printing.print(order)
        os.kill(printing._process.pid, signal.SIGSTOP)
        printing._seconds = 0.2

        hung = await printing.print(order)

        assert isinstance(hung, Unprintable)
        assert "within" in hung.reason
        printing._seconds = 30
        assert isinstance(await printing.print(order), Printed)
    finally:
        await printing.close()


async def test_whoever_asks_gets_the_own_answer_and_not_that_of_one_who_left():
    printing = Printing()
    orders = [Order(parse(each.xml).text) for each in NOTES[:3]]
    try:
        leaving = asyncio.create_task(printing.print(orders[0]))
        await asyncio.sleep(0.05)
        leaving.cancel()
        found = await asyncio.gather(*map(printing.print, orders))

        for note, sheet in zip(NOTES, found, strict=False):
            assert note.chave in re.sub(r"\s", "", text_of(sheet.pdf))
    finally:
        await printing.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    files = {each.name: each.xml for each in NOTES[:3]}
    files["carta-1.xml"] = proc_event(NOTES[0].chave, "110110", 1)
    files["carta-2.xml"] = proc_event(NOTES[0].chave, "110110", 2)
    files["canc.xml"] = proc_event(NOTES[1].chave)
    files["cte.xml"] = cte("35260311222333000181570010000000771000000073")
    return imported(tmp_path_factory.mktemp("danfe"), files)


def test_the_command_prints_one_note_into_a_file(home, tmp_path):
    said = nfed(home, "danfe", NOTES[0].chave, "-o", tmp_path / "n.pdf")

    assert said.returncode == 0, said.stderr
    pages = PdfReader(tmp_path / "n.pdf").pages
    assert sum("Carta de Correção" in page.extract_text() for page in pages) == 1


def test_the_command_prints_many_and_names_what_it_cannot(home, tmp_path):
    said = nfed(home, "danfe", "--de", "2000-01-01", "-o", tmp_path / "pdf")

    assert said.returncode == 1
    assert "35260311222333000181570010000000771000000073: the printed form" in said.stderr
    found = {each.name: each.read_bytes() for each in (tmp_path / "pdf").iterdir()}
    assert set(found) == {f"{each.chave}.pdf" for each in NOTES[:3]}
    assert "CANCELADA" in text_of(found[f"{NOTES[1].chave}.pdf"])

    one = nfed(home, "danfe", "--modelo", "55", "--one-pdf", "-o", tmp_path / "one.pdf")

    assert one.returncode == 0
    every = [each.chave for each in NOTES[:3] if each.chave[20:22] == "55"]
    told = re.sub(r"\s", "", text_of((tmp_path / "one.pdf").read_bytes()))
    assert all(chave in told for chave in every)


def test_a_key_that_is_not_stored_is_named(home, tmp_path):
    said = nfed(home, "danfe", "1" * 44, "-o", tmp_path / "n.pdf")

    assert said.returncode == 1
    assert "1" * 44 in said.stderr
    assert list(tmp_path.iterdir()) == []
    assert nfed(home, "danfe", "-o", tmp_path / "n.pdf").returncode == 2
