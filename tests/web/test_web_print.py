"""A note on paper: its bar code, QR code, width, and what it is worth."""

import re

import qrcode
from barcode.codex import Code128
from playwright.sync_api import expect
from pypdf import PdfReader

from nfed.web.barcodes import code128, qr_code
from tests.support.harness import eventually
from tests.support.notes import generator
from tests.support.other_documents import proc_event

HOME = "/painel/notas"
_RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def dark(modules):
    """The dark modules of a path, as columns and rows."""
    found = set()
    for x, y, length, back in _RUN.findall(modules.path):
        assert length == back
        found |= {(int(x) + at, int(y)) for at in range(int(length))}
    return found


def test_a_keys_bars_are_the_modules_of_code_128():
    chave = generator().note(1, items=1).chave
    drawn = code128(chave)

    expected = Code128(chave).build()[0]
    assert "".join("1" if (x + 10, 0) in dark(drawn) else "0" for x in range(len(expected))) == (
        expected
    )
    assert drawn.width == len(expected) + 20


def test_a_qr_code_is_the_modules_of_its_text_and_too_long_a_text_has_none():
    text = "https://www.nfce.fazenda.sp.gov.br/qrcode?p=" + "3" * 44 + "|2|2|1|ABCDEF"
    expected = qrcode.QRCode(border=0, error_correction=qrcode.ERROR_CORRECT_M)
    expected.add_data(text)
    expected.make()

    drawn = qr_code(text)

    assert dark(drawn) == {
        (x + 4, y + 4)
        for y, row in enumerate(expected.get_matrix())
        for x, is_dark in enumerate(row)
        if is_dark
    }
    assert qr_code("x" * 5000) is None


def printed(page, path):
    page.pdf(path=path, prefer_css_page_size=True)
    reader = PdfReader(path)
    text = " ".join(each.extract_text() for each in reader.pages)
    return re.sub(r"\s+", " ", text), [round(float(each)) for each in reader.pages[0].mediabox[2:]]


def test_a_consumers_note_is_printed_on_a_roll_or_a4(server, open_page, tmp_path):
    made = generator().note(6, items=2, modelo="65")
    server.rig.drop(made)
    eventually(server.rig.chaves)
    stored = server.get(f"/notas/{made.chave}").json()
    page = open_page(f"{server.url}{HOME}/{made.chave}")

    expect(page.locator("svg.bars")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator("svg.bars")).to_be_visible()
    expect(page.locator("svg.qr")).to_be_visible()
    text, size = printed(page, tmp_path / "a4.pdf")
    page.emulate_media(media="null")
    page.get_by_role("link", name="Imprimir em 80 mm").click()
    page.wait_for_url("**?papel=bobina", wait_until="load")
    on_roll, width = printed(page, tmp_path / "roll.pdf")
    page.set_viewport_size({"width": 280, "height": 1000})  # 74 mm at 96 dpi
    page.emulate_media(media="print")
    wide = page.evaluate("document.documentElement.scrollWidth")

    assert size == [595, 842]
    assert width[0] == 227  # 80 mm
    assert wide <= 280
    whole, cents = stored["valor_total_nota"].split(".")
    for each in (text, on_roll):
        assert made.chave in each.replace(" ", "")
        assert f"{int(whole):,}".replace(",", ".") + f",{cents}" in each
        assert stored["numero_protocolo"] in each
        assert each.count("SEM VALOR FISCAL") >= 2


def test_a_cancelled_note_says_so_across_the_paper(server, open_page, tmp_path):
    made = generator().note(5, items=2)
    server.rig.drop(made)
    server.rig.drop(proc_event(made.chave), "cancelamento.xml")
    eventually(lambda: server.rig.rows("select 1 from notas_fiscais where status = 'cancelada'"))
    page = open_page(f"{server.url}{HOME}/{made.chave}?papel=bobina")

    text, size = printed(page, tmp_path / "nota.pdf")

    assert size == [595, 842]  # an NF-e has no roll
    assert text.count("CANCELADA") >= 2
    assert page.locator(".across").count() == 1
