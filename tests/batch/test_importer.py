"""The library's single-file face: a file in, the id of its row out, whatever the store."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from nfed.batch.importers import (
    AsyncNFeImporter,
    AsyncPostgresNFeImporter,
    AsyncSQLiteNFeImporter,
    AsyncSupabaseNFeImporter,
    NFeImporter,
    PostgresNFeImporter,
    SQLiteNFeImporter,
    SupabaseNFeImporter,
)
from nfed.errors import (
    ConfigError,
    NfedError,
    RefusedDocument,
    StoreUnavailable,
    XMLTruncated,
)
from nfed.settings import load
from tests.support.notes import note, with_value
from tests.support.other_documents import proc_event
from tests.support.stores import ask_postgres, ask_sqlite

KINDS = ("sqlite", "postgresql", "supabase")


class Place:
    """A database, the two importers that feed it, and a look into it."""

    def __init__(self, make, make_async, ask):
        self.make, self.make_async, self.ask = make, make_async, ask


@pytest.fixture(params=KINDS)
def place(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        path = tmp_path / "notes.db"
        return Place(
            lambda: SQLiteNFeImporter(path),
            lambda: AsyncSQLiteNFeImporter(path),
            lambda query: ask_sqlite(path, query),
        )
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        return Place(
            lambda: PostgresNFeImporter(url),
            lambda: AsyncPostgresNFeImporter(url),
            lambda query: ask_postgres(url, query),
        )
    project = request.getfixturevalue("supabase_project")
    project.empty()
    return Place(
        lambda: SupabaseNFeImporter(project.url, project.service_key),
        lambda: AsyncSupabaseNFeImporter(project.url, project.service_key),
        lambda query: ask_postgres(project.database_url, query),
    )


@pytest.fixture
def file(tmp_path):
    def write(name: str, content: bytes):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def key_of(xml: bytes) -> str:
    return re.search(rb'Id="NFe(\w{44})"', xml)[1].decode()


def test_a_file_becomes_a_note_whose_id_is_told(place, file):
    xml = note(1)

    told = place.make().import_nfe(file("a.xml", xml))

    assert place.ask("select id, chave_acesso, arquivo_nome from notas_fiscais") == [
        (told, key_of(xml), "a.xml")
    ]


def test_the_same_note_again_has_the_same_id(place, file):
    with place.make() as importer:
        first = importer.import_nfe(file("a.xml", note(1)))
        other = importer.import_nfe(file("b.xml", note(2)))
        again = importer.import_nfe(str(file("c.xml", note(1))))

    assert first == again != other
    assert place.ask("select count(*) from notas_fiscais") == [(2,)]


def test_programs_with_an_event_loop_have_a_twin(place, file):
    paths = [file(f"{number}.xml", note(number)) for number in range(1, 6)]

    async def run():
        async with place.make_async() as importer:
            return await asyncio.gather(*map(importer.import_nfe, paths))

    ids = asyncio.run(run())

    found = place.ask("select id, arquivo_nome from notas_fiscais")
    assert sorted(found) == sorted(zip(ids, (path.name for path in paths), strict=True))


def test_an_importer_that_nobody_opened_imports_one_file_after_the_other(place, file):
    importer = place.make()

    ids = [importer.import_nfe(file(f"{number}.xml", note(number))) for number in (1, 2, 1)]

    assert ids[0] == ids[2] != ids[1]


def test_a_twin_that_nobody_opened_imports_many_at_once(place, file):
    paths = [file(f"{number}.xml", note(number)) for number in range(1, 6)]

    async def run():
        importer = place.make_async()
        return await asyncio.gather(*map(importer.import_nfe, paths))

    ids = asyncio.run(run())

    found = place.ask("select id, arquivo_nome from notas_fiscais")
    assert sorted(found) == sorted(zip(ids, (path.name for path in paths), strict=True))


@pytest.mark.parametrize("is_open", [True, False])
def test_threads_may_share_one(place, file, is_open):
    paths = [file(f"{number}.xml", note(number)) for number in range(1, 6)]
    importer = place.make()

    with ThreadPoolExecutor(5) as threads, importer if is_open else nullcontext():
        ids = list(threads.map(importer.import_nfe, paths))

    found = place.ask("select id, arquivo_nome from notas_fiscais")
    assert sorted(found) == sorted(zip(ids, (path.name for path in paths), strict=True))


@pytest.mark.filterwarnings("error")
async def test_inside_an_event_loop_it_names_its_twin(file):
    importer = SQLiteNFeImporter(file("a.db", b""))

    with pytest.raises(NfedError, match="await AsyncSQLiteNFeImporter there"):
        importer.import_nfe(file("a.xml", note(1)))


def test_an_event_is_told_by_its_own_row(place, file):
    xml = note(1)
    told = place.make().import_nfe(file("e.xml", proc_event(key_of(xml), "110111")))

    assert place.ask("select id from nf_eventos") == [(told,)]


def test_what_is_refused_says_why_and_stays(place, file):
    xml = note(1)
    with place.make() as importer:
        importer.import_nfe(file("a.xml", xml))
        with pytest.raises(RefusedDocument, match=r"already stored from file 'a\.xml'") as conflict:
            importer.import_nfe(file("b.xml", with_value(xml, "natOp", "Outra coisa")))
        with pytest.raises(RefusedDocument, match="root element") as unknown:
            importer.import_nfe(file("c.xml", b"<pedido/>"))
        with pytest.raises(XMLTruncated):
            importer.import_nfe(file("d.xml", xml[:-30]))
        with pytest.raises(FileNotFoundError):
            importer.import_nfe("nowhere.xml")

    assert (conflict.value.error_type, conflict.value.chave) == ("ConflictingDocument", key_of(xml))
    assert unknown.value.error_type == "NotFiscalDocument"
    assert place.ask("select count(*) from notas_fiscais") == [(1,)]


@pytest.mark.parametrize("prefix", ["NFED_", ""])
def test_without_arguments_the_settings_decide(
    prefix, supabase_project, file, tmp_path, monkeypatch
):
    supabase_project.empty()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"{prefix}SUPABASE_URL", supabase_project.url)
    monkeypatch.setenv(f"{prefix}SUPABASE_SERVICE_KEY", supabase_project.service_key)

    told = SupabaseNFeImporter().import_nfe(file("a.xml", note(1)))

    assert ask_postgres(supabase_project.database_url, "select id from notas_fiscais") == [(told,)]


def test_settings_of_another_store_are_no_settings_for_this_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=r"nfed\.db, expected a Supabase project: set NFED_SUPA"):
        SupabaseNFeImporter()
    with pytest.raises(ConfigError, match=r"nfed\.db, expected postgresql://"):
        PostgresNFeImporter(settings=load({}).settings)


def test_a_database_that_is_away_is_said_at_once(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    key = "sb_secret_nobody_may_see_this"
    importer = SupabaseNFeImporter("http://127.0.0.1:9", key)

    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9") as error:
        importer.import_nfe(file("a.xml", note(1)))

    assert key not in f"{error.value!r}{importer!r}{vars(importer)!r}"


def test_importers_of_every_store_share_one_face():
    for kind in (SQLiteNFeImporter, PostgresNFeImporter, SupabaseNFeImporter):
        assert issubclass(kind, NFeImporter)
    for kind in (AsyncSQLiteNFeImporter, AsyncPostgresNFeImporter, AsyncSupabaseNFeImporter):
        assert issubclass(kind, AsyncNFeImporter)
