"""The month's package: the bytes that were imported, each in its place, and a list that is true."""

import csv
import io
import tracemalloc
import zipfile
from hashlib import sha256

import pytest

from bench.generator import check_digit
from nfed.exports.chosen import selection
from nfed.exports.entries import PackageEntry
from nfed.exports.originals import Origin, Originals, encoded
from nfed.exports.package import package
from nfed.exports.request import Format, Request, Tally, What, answer
from nfed.stores.pages import Selection
from nfed.stores.sqlite.pages import SQLitePages
from tests.support.cli_command import Terminal, nfed
from tests.support.notes import generator, with_value
from tests.support.other_documents import cte, proc_event

FIRST_43 = "3526031122233300018157001000000077100000007"
CTE_KEY = FIRST_43 + check_digit(FIRST_43)
NOTES = [generator().note(n, items=2, rich=True) for n in range(20)]
UTF_8 = b'<?xml version="1.0" encoding="UTF-8"?>'


def imported(home, files, **env):
    """A database and a done/ that the command itself made of the files."""
    folder = home / "xml_nf"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    at_once = {"NFED_SETTLE_SECONDS": "0", "NFED_DEBOUNCE_SECONDS": "0"}
    finished = nfed(home, "run", "--once", **at_once, **env)
    assert finished.returncode == 0, finished.stderr
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    files = {each.name: each.xml for each in NOTES[:18]}
    files["bom.xml"] = b"\xef\xbb\xbf" + NOTES[18].xml
    lot = b"<lote>" + NOTES[19].xml.partition(b"?>")[2] + proc_event(NOTES[19].chave) + b"</lote>"
    files["lote.xml"] = lot
    files["cancelamento.xml"] = proc_event(NOTES[0].chave)
    files["carta.xml"] = proc_event(NOTES[0].chave, "110110")
    files["cte.xml"] = cte(CTE_KEY)
    return imported(tmp_path_factory.mktemp("package"), files)


async def packed(home, chosen=Selection(), *, done=True):  # noqa: B008
    tally = Tally()
    originals = Originals(home / "xml_nf" / "done" if done else None)
    request = Request(What.XML, Format.ZIP, chosen)
    parts = [part async for part in answer(request, pages_of(home), originals, tally)]
    return b"".join(parts), tally


def pages_of(home):
    return SQLitePages(home / "nfed.db")


def opened(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def manifest(files):
    text = files["MANIFESTO.csv"].decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


async def test_every_file_of_the_package_is_byte_by_byte_the_imported_one(home):
    content, tally = await packed(home)

    files = opened(content)
    theirs = {sha256(each.xml).hexdigest() for each in NOTES[:18]}
    theirs.add(sha256(b"\xef\xbb\xbf" + NOTES[18].xml).hexdigest())
    ours = {sha256(each).hexdigest() for each in files.values()}
    assert theirs <= ours
    assert tally.rows == len(files) - 1
    for line in manifest(files):
        assert sha256(files[line["arquivo"]]).hexdigest() == line["sha256"]
        assert str(len(files[line["arquivo"]])) == line["bytes"]


async def test_the_list_says_which_bytes_are_not_those_of_the_import(home):
    files = opened((await packed(home))[0])

    told = {line["chave"]: line for line in manifest(files) if "evento" not in line["arquivo"]}
    assert told[NOTES[19].chave]["origem"] == "banco"  # it came in a lot
    assert {line["origem"] for key, line in told.items() if key != NOTES[19].chave} == {"importado"}


async def test_without_done_the_stored_text_is_given_as_it_was_declared(home):
    content, tally = await packed(home, done=False)

    files = opened(content)
    told = {line["chave"]: line for line in manifest(files) if "evento" not in line["arquivo"]}
    assert told[NOTES[18].chave]["origem"] == "banco"
    assert files[told[NOTES[18].chave]["arquivo"]] == NOTES[18].xml  # but for its byte order mark
    assert told[NOTES[3].chave]["origem"] == "importado"
    assert tally.from_database == 3  # the lot's two, and this one


async def test_the_same_question_gives_the_same_bytes(home):
    assert (await packed(home))[0] == (await packed(home))[0]


async def test_each_file_lies_where_programs_look_for_it(home):
    names = opened((await packed(home))[0])
    note = NOTES[0]

    where = f"{note.chave[6:20]}/20{note.chave[2:4]}-{note.chave[4:6]}/saidas"
    assert f"{where}/{note.chave}-procNFe.xml" in names
    assert f"{where}/{note.chave}-110111-1-35-procEventoNFe.xml" in names
    assert f"{where}/{note.chave}-110110-1-35-procEventoNFe.xml" in names
    assert f"11222333000181/2026-03/saidas/{CTE_KEY}-procCTe.xml" in names
    (line,) = [
        each for each in manifest(names) if each["arquivo"].endswith(f"{note.chave}-procNFe.xml")
    ]
    assert line["eventos"] == "110110-1-35 110111-1-35"
    assert line["status"] == "cancelada"


async def test_what_a_company_received_lies_among_its_entradas(home):
    async for page in pages_of(home).read("notas", Selection(), 100):
        rows = page.rows
    buyer = next(row for row in rows if row[18])  # destinatario_cpf_cnpj
    files = opened((await packed(home, selection(empresa=str(buyer[18]))))[0])

    (found,) = [name for name in files if str(buyer[0]) in name and name.endswith("procNFe.xml")]
    assert found.startswith(f"{buyer[18]}/")
    assert "/entradas/" in found


async def test_a_file_of_done_that_was_changed_is_not_taken_for_the_imported_one(tmp_path):
    home = imported(tmp_path, {"bom.xml": b"\xef\xbb\xbf" + NOTES[0].xml})
    (path,) = (home / "xml_nf" / "done").rglob("bom.xml")
    path.write_bytes(path.read_bytes().replace(b"<nNF>", b"<nNF >"))

    content, tally = await packed(home)

    assert tally.from_database == 1
    (line,) = manifest(opened(content))
    assert line["origem"] == "banco"


async def test_a_namesake_in_done_is_found_by_its_sha256(tmp_path):
    for n in range(3):
        home = imported(tmp_path, {"nfe.xml": b"\xef\xbb\xbf" + NOTES[n].xml})

    _, tally = await packed(home)

    assert (tally.rows, tally.from_database) == (3, 0)


async def test_without_text_the_file_is_the_only_source_and_its_lack_is_named(tmp_path):
    home = imported(tmp_path, {"a.xml": NOTES[0].xml, "b.xml": NOTES[1].xml}, NFED_KEEP_XML="false")
    (path,) = (home / "xml_nf" / "done").rglob("b.xml")
    path.unlink()

    content, tally = await packed(home)

    files = opened(content)
    assert NOTES[0].xml in files.values()
    assert (tally.rows, tally.without_xml) == (1, 1)
    (line,) = [each for each in manifest(files) if each["chave"] == NOTES[1].chave]
    assert (line["arquivo"], line["origem"]) == ("", "sem XML")


async def test_no_document_leads_out_of_its_folder(tmp_path):
    home = imported(tmp_path, {"a.xml": with_value(NOTES[0].xml, "CNPJ", "../../../etc")})

    for name in opened((await packed(home))[0]):
        assert ".." not in name
        assert not name.startswith("/")


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "utf-8", "windows-1252", "UTF-16"])
def test_a_text_goes_out_in_the_encoding_that_it_declares(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><a>é</a>'

    assert encoded(text) == text.encode(encoding)


def test_what_an_encoding_lacks_is_written_as_a_reference():
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><a>≥</a>'

    assert encoded(text) == text.replace("≥", "&#8805;").encode("latin-1")


async def test_memory_does_not_grow_with_the_members():
    async def many(count):
        for first in range(0, count, 50):
            yield [
                PackageEntry(f"saidas/{n:044}-procNFe.xml", b"<a/>", (f"{n:044}",), Origin.IMPORTED)
                for n in range(first, first + 50)
            ]

    async def peak_bytes(count):
        tracemalloc.start()
        async for _ in package(many(count)):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    few, more = await peak_bytes(500), await peak_bytes(10_000)

    assert more < few + (10 << 20)  # two files that wait in memory up to 4 MiB each


async def test_more_members_than_a_plain_zip_holds():
    async def many():
        for first in range(0, 70_000, 1000):
            yield [
                PackageEntry(f"{n}.xml", b"<a/>", (str(n),), Origin.IMPORTED)
                for n in range(first, first + 1000)
            ]

    content = b"".join([part async for part in package(many())])

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.namelist()) == 70_001
        assert archive.read("69999.xml") == b"<a/>"
    assert b"PK\x06\x06" in content  # the end of a ZIP64


def test_the_command_says_what_it_wrote(home, tmp_path):
    target = tmp_path / "tudo.zip"

    said = nfed(home, "export", "xml", "-o", target)

    assert said.returncode == 0
    assert said.stdout.startswith(f"{target}: 24 files, ")
    assert len(opened(target.read_bytes())) == 25
    assert [each.name for each in tmp_path.iterdir()] == ["tudo.zip"]


def test_on_a_terminal_it_shows_how_far_it_is(home, tmp_path):
    terminal = Terminal(home, "export", "xml", "-o", str(tmp_path / "t.zip"))

    assert terminal.ends() == 0
    assert "0:00:0" in terminal.text  # the time that has passed
    assert "24 files" in terminal.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("xml", "--mes", "2026-13"), "2026-13"),
        (("xml", "--mes", "2026-1"), "2026-1"),
        (("xml", "--de", "ontem"), "ontem"),
        (("xml", "--de", "2026-02-01", "--ate", "2026-01-01"), "after"),
        (("xml", "--mes", "2026-01", "--ate", "2026-01-01"), "either"),
        (("xml", "--empresa", "123"), "123"),
        (("xml", "--role", "emitente"), "empresa"),
        (("xml", "--empresa", "11222333000181", "--role", "dono"), "dono"),
        (("xml", "--modelo", "nfe"), "nfe"),
        (("tudo",), "tudo"),
        (("xml", "--format", "docx"), "docx"),
    ],
)
def test_what_cannot_be_asked_for_is_named(home, tmp_path, arguments, told):
    said = nfed(home, "export", *arguments, "-o", tmp_path / "x.zip")

    assert said.returncode == 2
    assert told in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_a_database_the_command_says_so(tmp_path):
    said = nfed(tmp_path, "export", "xml", "-o", "x.zip")

    assert said.returncode in (75, 78)
    assert "nfed.db" in said.stderr
    assert list(tmp_path.iterdir()) == []
