"""What is read of a Supabase project over HTTPS is what PostgreSQL itself tells, to the digit."""

import re
from datetime import date

import pytest

from bench.generator import Generator
from nfed.core.ports import NoteFilter, NotePage
from nfed.errors import StoreUnavailable
from nfed.stores.postgres.http import SupabaseStore
from nfed.stores.postgres.notes import PostgresNotes, SupabaseNotes
from nfed.stores.postgres.project import Project
from tests.stores.test_postgres_notes import paged
from tests.stores.test_postgres_store import count, execute
from tests.stores.test_supabase_store import HOSTILE
from tests.support.cli_command import nfed
from tests.support.http_proxy import Answer, Fault, HttpProxy, page, postgrest
from tests.support.other_documents import proc_event
from tests.support.stores import incoming

_generator = Generator(11)
NOTES = [_generator.note(n, items=3, rich=True) for n in range(12)]
JSON = {"content-type": "application/json"}


@pytest.fixture
async def filled(supabase_project):
    """The project, with notes in it."""
    store = SupabaseStore(supabase_project.url, supabase_project.service_key, max_connections=1)
    await store.store(incoming(*(each.xml for each in NOTES)), "job")
    await store.close()
    return supabase_project


@pytest.fixture
def proxy(filled):
    with HttpProxy(filled.url) as made:
        yield made


@pytest.fixture
async def ours(filled, proxy):
    project = Project(proxy.url, filled.service_key, max_connections=2)
    yield SupabaseNotes(project)
    await project.close()


@pytest.fixture
def theirs(filled):
    return PostgresNotes(filled.database_url)


async def test_every_note_is_told_as_postgresql_tells_it(ours, theirs):
    await ours.check()
    for note in NOTES:
        told = await ours.note(note.chave)
        assert told == await theirs.note(note.chave)
        assert len(told["nf_itens"]) == 3
        assert await ours.xml(note.chave) == note.xml.decode()
    assert await ours.note("1" * 44) is None
    assert await ours.xml("1" * 44) is None


@pytest.mark.parametrize("size", [1, 5, 500])
async def test_every_list_is_postgresqls_in_the_same_order(ours, theirs, filled, size):
    execute(
        filled.database_url,
        "update notas_fiscais set data_hora_emissao = null where id % 3 = 0",
    )
    listed = await paged(theirs, NoteFilter(), 500)
    party = listed[3].emitente
    day = date.fromisoformat(next(each.emitida_em for each in listed if each.emitida_em)[:10])
    assert len(listed) == len(NOTES)
    for wanted in (
        NoteFilter(),
        NoteFilter(emitente=party),
        NoteFilter(emitente=party, destinatario=listed[3].destinatario),
        NoteFilter(destinatario="00000000000000"),
        NoteFilter(de=day),
        NoteFilter(ate=day),
        NoteFilter(de=day, ate=day),
        NoteFilter(ate=date.max),
        NoteFilter(emitente=HOSTILE),
    ):
        assert await paged(ours, wanted, size) == await paged(theirs, wanted, 500), wanted


@pytest.mark.parametrize("chave", [HOSTILE, "1,2", "*", "(1)", "é" * 44, "", '"1"'])
async def test_a_made_up_key_finds_nothing(ours, chave):
    assert await ours.note(chave) is None
    assert await ours.xml(chave) is None


@pytest.mark.parametrize(
    "position", [("never", 1), ("2026-01-01 00:00:00+03:00", 1), ("2026-01-01 00:00:00", 10**30)]
)
async def test_a_made_up_position_harms_nothing(ours, position):
    try:
        assert await ours.notes(NoteFilter(), position, 5) == NotePage([], None)
    except StoreUnavailable:
        assert position[1] > 2**63


TROUBLES = [
    page(401),
    page(503),
    page(200),
    Fault.CUT_BEFORE,
    Fault.CUT_WITHIN,
    postgrest(404, "PGRST202", "no such function"),
    postgrest(400, "22P02", "invalid input syntax"),
    Answer(200, b"[[[", JSON),
    Answer(200, b"[" * 100_000, JSON),
    Answer(200, b"7", JSON),
    Answer(200, b'"7"', JSON),
    Answer(200, b'"%s"' % (b"[" * 100_000), JSON),
    Answer(200, b'"[7]"', JSON),
    Answer(200, b'"[{}]"', JSON),
    Answer(200, b'{"a": 1}', JSON),
    Answer(200, b'[{"xml_completo": 7}, 8]', JSON),
]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("asked", ["check", "note", "notes", "xml"])
async def test_whatever_is_answered_is_a_note_or_the_worlds_fault(
    ours, proxy, filled, trouble, asked
):
    proxy.everywhere = True
    proxy.always(trouble)
    how = {
        "check": ours.check,
        "note": lambda: ours.note(NOTES[0].chave),
        "notes": lambda: ours.notes(NoteFilter(), None, 5),
        "xml": lambda: ours.xml(NOTES[0].chave),
    }

    met = None
    try:
        told = await how[asked]()
    except StoreUnavailable as error:
        met = error

    assert filled.service_key not in repr(met)
    # What looks like an answer to the question may be taken for one.
    assert met is not None or (
        isinstance(trouble, Answer)
        and trouble.status == 200
        and told in (None, NotePage([], None), "7")
    )


def test_check_tells_what_an_import_of_a_file_would_do(filled, tmp_path):
    files = {
        "same.xml": NOTES[0].xml,
        "new.xml": _generator.note(99, items=1).xml,
        "event.xml": proc_event(NOTES[0].chave),
        "other.xml": NOTES[1].xml.replace(b"<xNome>", b"<xNome>X", 1),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    said = nfed(
        tmp_path,
        *("check", *files),
        NFED_SUPABASE_URL=filled.url,
        NFED_SUPABASE_SERVICE_KEY=filled.service_key,
    )

    told = re.findall(r"^(\w+) +(\w+\.xml): .*?: (.*)$", said.stdout, re.M)
    assert [(level, name) for level, name, _ in told] == [
        ("ok", "same.xml"),
        ("ok", "new.xml"),
        ("ok", "event.xml"),
        ("FAIL", "other.xml"),
    ]
    fates = [fate for *_, fate in told]
    assert fates[0] == "duplicate, already stored from 0.xml"
    assert fates[1:3] == ["new, would be imported"] * 2
    assert fates[3].startswith("would be refused: ConflictingDocument")
    assert count(filled.database_url) == len(NOTES)
