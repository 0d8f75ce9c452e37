"""What PostgreSQL stores is told as SQLite's is, note by note."""

from datetime import date
from pathlib import Path

import httpx
import pytest

from bench.generator import Generator
from nfed.api import create_app
from nfed.batch.processor import BatchProcessor
from nfed.core.ports import NoteFilter, NotePage, NotePosition, NoteReader, NoteSummary
from nfed.errors import StoreUnavailable
from nfed.settings import Settings
from nfed.stores.postgres.notes import PostgresNotes
from nfed.stores.sqlite.notes import SQLiteNotes
from tests.support.stores import ask_postgres

_generator = Generator(11)
NOTES = [_generator.note(n, items=3, rich=True) for n in range(12)]
OWN = ("created_at", "updated_at", "job_id")  # each import has its own


def plain(told: object) -> object:
    if isinstance(told, dict):
        return {name: plain(value) for name, value in told.items() if name not in OWN}
    return [plain(each) for each in told] if isinstance(told, list) else told


async def paged(reader: NoteReader, wanted: NoteFilter, size: int) -> list[NoteSummary]:
    seen: list[NoteSummary] = []
    after: NotePosition | None = None
    while True:
        page = await reader.notes(wanted, after, size)
        assert len(page.notes) <= size
        seen += page.notes
        after = page.next
        if after is None:
            return seen


async def filled(folder: Path, url: str) -> tuple[PostgresNotes, SQLiteNotes]:
    drop = folder / "drop"
    drop.mkdir()
    for note in NOTES:
        (drop / f"{note.chave}.xml").write_bytes(note.xml)
    for database in (url, f"sqlite:///{folder}/nfed.db"):
        processor = BatchProcessor(database_url=database, ledger=folder / "ledger.db", workers=1)
        result = await processor.process_folder(drop)
        assert result["successful"] == len(NOTES), result
    return PostgresNotes(url), SQLiteNotes(folder / "nfed.db")


async def test_both_stores_tell_the_same(tmp_path, postgres_url):
    theirs, ours = await filled(tmp_path, postgres_url)

    await theirs.check()
    for note in NOTES:
        assert plain(await theirs.note(note.chave)) == plain(await ours.note(note.chave))
        assert await theirs.xml(note.chave) == await ours.xml(note.chave)
    listed = await paged(ours, NoteFilter(), 5)
    party = listed[3].emitente
    day = next(each.emitida_em for each in listed if each.emitida_em)[:10]
    assert len(listed) == len(NOTES)
    for wanted in (
        NoteFilter(),
        NoteFilter(emitente=party),
        NoteFilter(destinatario="00000000000000"),
        NoteFilter(de=date.fromisoformat(day)),
        NoteFilter(ate=date.fromisoformat(day)),
        NoteFilter(ate=date.fromisoformat("9999-12-31")),
    ):
        expected = {each.chave: each for each in await paged(ours, wanted, 5)}
        found = await paged(theirs, wanted, 5)
        assert [each.emitida_em for each in found] == [e.emitida_em for e in expected.values()]
        for each in found:
            other = expected.pop(each.chave)
            assert (each.valor_total, each.emitente) == (other.valor_total, other.emitente)
        assert not expected
    assert await theirs.note("1" * 44) is None
    assert await theirs.xml("1" * 44) is None
    ours.close()


async def test_notes_without_a_date_come_last_and_no_page_loses_one(tmp_path, postgres_url):
    theirs, ours = await filled(tmp_path, postgres_url)
    ours.close()
    ask_postgres(
        postgres_url,
        "update notas_fiscais set data_hora_emissao = null where id % 3 = 0 returning 1",
    )

    seen = await paged(theirs, NoteFilter(), 4)

    assert len({each.chave for each in seen}) == len(seen) == len(NOTES)
    assert [bool(each.position[0]) for each in seen] == sorted(
        (bool(each.position[0]) for each in seen), reverse=True
    )


@pytest.mark.parametrize(
    "position", [("never", 1), ("2026-01-01 00:00:00+03:00", 1), ("2026-01-01 00:00:00", 10**30)]
)
async def test_a_made_up_position_harms_nothing(postgres_url, position):
    try:
        assert await PostgresNotes(postgres_url).notes(NoteFilter(), position, 5) == NotePage(
            [], None
        )
    except StoreUnavailable:
        assert position[1] > 2**63


async def test_the_api_reads_what_the_settings_name(tmp_path, postgres_url):
    await filled(tmp_path, postgres_url)
    settings = Settings(
        database_url=postgres_url, ledger=tmp_path / "ledger.db", xml_folder=tmp_path / "drop"
    )
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        listed = (await client.get("/notas", params={"limit": 500})).json()["notas"]
        xml = await client.get(f"/notas/{NOTES[0].chave}/xml")

        assert sorted(each["chave"] for each in listed) == sorted(each.chave for each in NOTES)
        assert xml.content == NOTES[0].xml
        assert (await client.get("/readyz")).json()["status"] == "ready"


async def test_a_database_that_is_not_there_is_the_worlds_fault(postgres):
    with pytest.raises(StoreUnavailable, match="nope"):
        await PostgresNotes(postgres.url("nope")).check()
