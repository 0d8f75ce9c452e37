"""Uma nota: all that it says, and where each value comes from; Notas: how it is found."""

import hashlib
import re

from playwright.sync_api import expect
from pypdf import PdfReader

from nfed.documents.layout import tables
from nfed.documents.rows.trace import trace_of
from nfed.documents.xml.find import find_documents
from nfed.documents.xml.parse import parse
from tests.support.harness import eventually, note, notes
from tests.support.notes import NFELIB_SAMPLES, generator, with_value
from tests.support.served import served

HOME = "/painel/notas"


def test_a_value_proves_itself_down_to_its_line(server, open_page):
    made = generator().note(5, items=3, rich=True)
    indented = made.xml.replace(b"><", b">\n<")
    server.rig.drop(indented, "rica.xml")
    eventually(server.rig.chaves)
    stored = server.get(f"/notas/{made.chave}").json()
    page = open_page(f"{server.url}{HOME}/{made.chave}")

    total = page.locator('a.proof[href*="c=valor_total_nota"]')
    shown = total.inner_text()
    total.click()

    written = stored["valor_total_nota"]
    lines = indented.decode().split("\n")
    line = next(n for n, text in enumerate(lines, 1) if text == f"<vNF>{written}</vNF>")
    assert shown.replace(".", "").replace(",", ".") == written
    expect(page.locator("main")).to_contain_text("NFe/infNFe/total/ICMSTot/vNF")
    expect(page.locator(".source .here i")).to_have_text(str(line))
    expect(page.locator(".source mark")).to_have_text(written)
    expect(page.locator("main")).to_contain_text(hashlib.sha256(indented).hexdigest())
    expect(page.locator("main")).to_contain_text(stored["job_id"])


def test_every_value_of_a_note_leads_to_its_own_element():
    """Of the official samples: what the trace says is what the rows hold."""
    checked = 0
    for path in NFELIB_SAMPLES:
        source = parse(path.read_bytes())
        for part in find_documents(source.root, source.text):
            if part.name != "NFe":
                continue
            trace = trace_of(part.asked, part.answered)
            for table, rows in trace.rows().items():
                for number, row in enumerate(rows):
                    for column in tables()[table].columns:
                        value = row[tables()[table].position(column.name)]
                        place = trace.place(table, number, column.name)
                        if place is not None and column.path and value == place.text:
                            checked += 1
                        elif column.path and value is not None and table != "nf_outros_valores":
                            assert place is not None, (table, column.name)
    assert checked > 1000


def test_a_note_without_its_xml_says_so(rig):
    with served(rig, keep_xml="false") as server:
        rig.drop(note(1))
        eventually(rig.chaves)
        address = f"{HOME}/{note(1).chave}"

        said = server.get(f"{address}/prova?t=notas_fiscais&n=0&c=valor_total_nota")

        assert said.status_code == 200
        assert "O XML não está gravado (keep_xml)" in said.text
        assert server.get(f"{address}/xml").status_code == 404


def test_hostile_words_of_a_note_are_shown_and_harmless(server, open_page):
    words = "&lt;script&gt;alert(1)&lt;/script&gt;\u202e\u2066 &amp;amp; ação"
    server.rig.drop(with_value(note(1).xml, "xProd", words), "hostil.xml")
    eventually(server.rig.chaves)

    page = open_page(f"{server.url}{HOME}/{note(1).chave}")

    expect(page.locator('a.proof[href*="c=descricao"]').first).to_have_text(
        "<script>alert(1)</script>\\u202e\\u2066 &amp; ação"
    )
    expect(page.locator("main script")).to_have_count(0)


def test_a_note_is_found_by_its_key_and_by_a_cnpj_with_its_points(server, open_page):
    dropped = notes(60)
    server.rig.drop_all(dropped)
    eventually(lambda: len(server.rig.chaves()) == 60)
    stored = server.get(f"/notas/{dropped[0].chave}").json()
    digits = stored["emitente"]["cpf_cnpj"]
    pointed = f"{digits[:2]}.{digits[2:5]}.{digits[5:8]}/{digits[8:12]}-{digits[12:]}"
    page = open_page(f"{server.url}{HOME}")

    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Próxima página").click()
    expect(page.locator("tbody tr")).to_have_count(10)
    page.keyboard.press("/")
    page.keyboard.type(pointed)
    expect(page.locator("tbody tr td:nth-child(3)").first).to_contain_text(pointed)
    assert {pointed} == set(
        re.findall(
            r"\S+/\S+-\d\d", " ".join(page.locator("tbody tr td:nth-child(3)").all_inner_texts())
        )
    )
    page.get_by_label("Chave, CNPJ, CPF ou palavras").fill(dropped[3].chave)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("NF-e")
    assert page.url.endswith(dropped[3].chave)


def test_a_note_is_printed_with_key_total_and_protocol(server, open_page, tmp_path):
    made = generator().note(5, items=3, rich=True)
    server.rig.drop(made)
    eventually(server.rig.chaves)
    stored = server.get(f"/notas/{made.chave}").json()
    page = open_page(f"{server.url}{HOME}/{made.chave}")

    page.pdf(path=tmp_path / "nota.pdf", prefer_css_page_size=True)

    printed = PdfReader(tmp_path / "nota.pdf")
    text = " ".join(each.extract_text() for each in printed.pages)
    whole, cents = stored["valor_total_nota"].split(".")
    assert re.sub(r"\s", "", made.chave) in re.sub(r"\s", "", text)
    assert f"{int(whole):,}".replace(",", ".") + f",{cents}" in text
    assert stored["numero_protocolo"] in text
    assert "SEM VALOR FISCAL" in text
    assert "Baixar o XML" not in text
    assert [round(float(each)) for each in printed.pages[0].mediabox[2:]] == [595, 842]  # A4


def test_a_note_says_what_the_checks_find_and_opens_what_it_refers_to(server, open_page):
    stored, missing, refers = note(1), note(2), note(3)
    references = "".join(
        f"<NFref><refNFe>{each.chave}</refNFe></NFref>" for each in (stored, missing)
    )
    server.rig.drop(stored)
    server.rig.drop(refers.xml.replace(b"</ide>", f"{references}</ide>".encode()), "refere.xml")
    eventually(lambda: len(server.rig.chaves()) == 2)

    page = open_page(f"{server.url}{HOME}/{refers.chave}")

    # It was changed after it was signed.
    expect(page.locator("main li", has_text="SIG-DIGEST")).to_be_visible()
    expect(page.get_by_role("link", name="abrir esta nota")).to_have_count(1)
    page.get_by_role("link", name="abrir esta nota").click()
    assert page.url.endswith(stored.chave)


def test_the_whole_xml_is_read_with_an_element_a_line(server, open_page):
    made = with_value(note(1).xml, "xProd", "&lt;script&gt;\u202e")
    server.rig.drop(made, "uma.xml")
    eventually(server.rig.chaves)

    page = open_page(f"{server.url}{HOME}/{note(1).chave}/texto")

    lines = page.locator(".source > span").all_inner_texts()
    assert len(lines) > 100
    assert any(line.endswith("<xProd>&lt;script&gt;\\u202e</xProd>") for line in lines)
