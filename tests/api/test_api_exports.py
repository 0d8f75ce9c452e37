"""What is taken out over HTTP is what the command writes, and is said where it cannot be."""

import csv
import io
import re
import sqlite3
import zipfile

import httpx
import openpyxl
import pytest
from pypdf import PdfReader

from tests.support.cli_command import nfed
from tests.support.harness import Rig
from tests.support.notes import generator
from tests.support.other_documents import proc_event
from tests.support.served import assert_problem, served

NOTES = [generator().note(n, items=3, rich=True) for n in range(9)]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A daemon with all the notes. Read only."""
    with Rig(tmp_path_factory.mktemp("export")) as rig:
        rig.drop_all(NOTES)
        (rig.folder / "canc.xml").write_bytes(proc_event(NOTES[0].chave))
        rig.once()
        with served(rig) as server:
            yield server


@pytest.mark.parametrize(
    ("what", "query", "options"),
    [
        ("xml", {}, ()),
        ("notas", {"format": "csv"}, ()),
        ("itens", {"format": "xlsx"}, ("--format", "xlsx")),
        ("eventos", {"format": "jsonl"}, ("--format", "jsonl")),
        ("itens", {"locale": "C"}, ("--locale", "C")),
        ("itens", {"status": "cancelada"}, ("--status", "cancelada")),
    ],
)
def test_the_answer_is_byte_by_byte_the_commands_file(filled, tmp_path, what, query, options):
    target = tmp_path / "file"
    said = nfed(filled.rig.home, "export", what, "-o", target, *options)

    answer = filled.get(f"/export/{what}", params=query)

    assert said.returncode == 0, said.stderr
    assert answer.status_code == 200
    assert answer.content == target.read_bytes()
    assert len(answer.content) > 100


def test_each_format_has_its_type_and_a_name(filled):
    zipped = filled.get("/export/xml", params={"empresa": NOTES[0].chave[6:20], "mes": "2026-01"})
    sheet = filled.get("/export/notas", params={"format": "xlsx"})
    lines = filled.get("/export/notas")

    assert zipped.headers["content-type"] == "application/zip"
    name = f"nfed-xml-{NOTES[0].chave[6:20]}-2026-01.zip"
    assert zipped.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert zipfile.ZipFile(io.BytesIO(zipped.content)).namelist()[-1] == "MANIFESTO.csv"
    assert openpyxl.load_workbook(io.BytesIO(sheet.content)).active["A1"].value == "chave_acesso"
    assert lines.headers["content-type"].startswith("text/csv")
    assert len(list(csv.reader(io.StringIO(lines.text), delimiter=";"))) == 1 + len(NOTES)


@pytest.mark.parametrize(
    ("path", "query", "status", "told"),
    [
        ("/export/tudo", {}, 422, "what"),
        ("/export/xml", {"format": "csv"}, 409, "zip"),
        ("/export/notas", {"format": "zip"}, 409, "csv"),
        ("/export/notas", {"mes": "2026-13"}, 422, "mes"),
        ("/export/notas", {"mes": "2026-01", "de": "2026-01-01"}, 409, "either"),
        ("/export/notas", {"de": "2026-01-02", "ate": "2026-01-01"}, 409, "after"),
        ("/export/notas", {"de": "0"}, 422, "de"),
        ("/export/notas", {"empresa": "x"}, 422, "empresa"),
        ("/export/notas", {"role": "emitente"}, 409, "empresa"),
        ("/export/notas", {"status": "'; drop table"}, 422, "status"),
        (f"/notas/{'1' * 44}/danfe.pdf", {}, 404, "1" * 44),
        ("/notas/x/danfe.pdf", {}, 422, "chave"),
    ],
)
def test_what_cannot_be_asked_for_is_a_problem(filled, path, query, status, told):
    assert_problem(filled.get(path, params=query), status, told)


def test_a_printed_note_shows_its_key(filled):
    note = NOTES[1]

    answer = filled.get(f"/notas/{note.chave}/danfe.pdf")

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    text = "".join(each.extract_text() for each in PdfReader(io.BytesIO(answer.content)).pages)
    assert note.chave in re.sub(r"\s", "", text)


def test_a_cancelled_note_bears_that(filled):
    answer = filled.get(f"/notas/{NOTES[0].chave}/danfe.pdf")

    text = "".join(each.extract_text() for each in PdfReader(io.BytesIO(answer.content)).pages)
    assert "CANCELADA" in text


def test_who_stops_reading_holds_nothing(filled):
    """More of them than there are exports at once."""
    for _ in range(6):
        with filled.client.stream("GET", "/export/xml") as answer:
            assert answer.status_code == 200
            next(answer.iter_raw(10))

    assert filled.get("/export/notas").status_code == 200


def test_a_stop_ends_an_export_that_nobody_reads(tmp_path):
    with Rig(tmp_path) as rig:
        rig.drop_all(NOTES)
        rig.once()
        with sqlite3.connect(rig.home / "nfed.db") as connection:
            connection.execute(  # a text that fills every buffer on its way
                "update notas_fiscais set xml_completo = hex(randomblob(1500000))"
            )
        with served(rig) as server, server.client.stream("GET", "/export/xml") as answer:
            assert answer.status_code == 200
            assert server.daemon.stop() == 0
            with pytest.raises(httpx.HTTPError):
                for _ in answer.iter_raw():
                    pass
