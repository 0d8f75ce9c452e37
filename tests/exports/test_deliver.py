"""A recipient is given each note once, and again when it has changed, whatever happens."""

import asyncio
import csv
import io
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from dataclasses import replace
from hashlib import sha256

import psycopg
import pytest

from bench.generator import with_protocol
from nfed.errors import FolderUnavailable
from nfed.exports.deliver import Courier, Place
from nfed.exports.originals import Originals
from nfed.exports.request import Tally
from nfed.stores.deliveries import Step, Wanted, What
from tests.support.cli_command import ROOT, environment, nfed
from tests.support.notes import generator, note
from tests.support.other_documents import cte, cte_cancellation, proc_event
from tests.support.stores import incoming, shelves

KINDS = ("sqlite", "postgresql", "supabase")
NOTES = [generator().note(n, items=1, rich=False) for n in range(12)]
CTE_KEY = "35260311222333000181570010000000771000000073"
OTHER_CTE_KEY = "35260311222333000181570010000000781000000079"
ALL = Wanted("contador", What.ALL, None, None, None, None, 20_000)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def project(request, kind):
    """Started only where it is the one that is asked."""
    return request.getfixturevalue("supabase_session") if kind == "supabase" else None


@pytest.fixture
async def shelf(kind, project, tmp_path, postgres, migrated):
    async with shelves(kind, tmp_path, postgres, migrated, project) as made:
        yield await made.new()


def courier(shelf, folder, wanted=ALL, *, as_zip=True, command=()):
    place = Place(folder / "out", as_zip, command)
    return Courier(
        wanted, place, shelf.deliveries, shelf.pages, Originals(None), Tally(), lambda: None
    )


async def given(shelf, folder, wanted=ALL, **how):
    """What the packages of one delivery hold: by chave, its situation and status."""
    found = {}
    async for each in courier(shelf, folder, wanted, **how).deliver():
        lines = listed(each.path)
        counts = Counter(line["situacao"] for line in lines.values())
        assert (each.new, each.changed) == (counts["nova"], counts["alterada"])
        assert not found.keys() & lines.keys()
        found |= {chave: (line["situacao"], line["status"]) for chave, line in lines.items()}
    return found


async def lines_given(shelf, folder, **how):
    """The manifest of the only package of one delivery."""
    (package,) = [each.path async for each in courier(shelf, folder, **how).deliver()]
    return manifest(package)


def listed(path):
    """The documents of a package without their events, by chave."""
    notes = [each for each in manifest(path) if "evento" not in each["arquivo"].lower()]
    assert len({line["chave"] for line in notes}) == len(notes)
    return {line["chave"]: line for line in notes}


def manifest(path):
    """The lines of a package, each of a file that is whole."""
    if path.is_dir():
        files = {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*.*")}
    else:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    text = files["MANIFESTO.csv"].decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert {line["arquivo"] for line in lines} | {"MANIFESTO.csv"} == set(files)
    for line in lines:
        assert sha256(files[line["arquivo"]]).hexdigest() == line["sha256"]
    return lines


@pytest.mark.parametrize("as_zip", [True, False])
async def test_a_recipient_gets_what_is_new_and_then_what_has_changed(shelf, tmp_path, as_zip):
    bare = note(40, authorised=False)
    await shelf.put(*(each.xml for each in NOTES[:4]), bare)

    first = await given(shelf, tmp_path, as_zip=as_zip)
    second = await given(shelf, tmp_path, as_zip=as_zip)
    await shelf.put(NOTES[5].xml, proc_event(NOTES[0].chave), proc_event(NOTES[1].chave, "110110"))
    await shelf.put(with_protocol(bare))
    third = await given(shelf, tmp_path, as_zip=as_zip)

    key = next(chave for chave, (_, status) in first.items() if status == "emitida")
    assert set(first) == {each.chave for each in NOTES[:4]} | {key}
    assert {situation for situation, _ in first.values()} == {"nova"}
    assert second == {}
    assert third == {
        NOTES[5].chave: ("nova", "autorizada"),
        NOTES[0].chave: ("alterada", "cancelada"),
        NOTES[1].chave: ("alterada", "autorizada"),
        key: ("alterada", "autorizada"),
    }
    assert await given(shelf, tmp_path, as_zip=as_zip) == {}


@pytest.mark.parametrize("as_zip", [True, False])
async def test_other_documents_and_their_events_are_given_likewise(shelf, tmp_path, as_zip):
    await shelf.put(NOTES[0].xml, cte(CTE_KEY))

    first = await given(shelf, tmp_path, as_zip=as_zip)
    await shelf.put(cte_cancellation(CTE_KEY), cte(OTHER_CTE_KEY))
    second = await lines_given(shelf, tmp_path, as_zip=as_zip)

    assert first == {
        NOTES[0].chave: ("nova", "autorizada"),
        CTE_KEY: ("nova", "autorizada"),
    }
    assert sorted((each["chave"], each["situacao"], each["status"]) for each in second) == sorted(
        [
            (CTE_KEY, "alterada", "cancelada"),
            (CTE_KEY, "nova", "registrado"),
            (OTHER_CTE_KEY, "nova", "autorizada"),
        ]
    )
    assert await given(shelf, tmp_path, as_zip=as_zip) == {}


@pytest.mark.parametrize(
    ("what", "keys"), [(What.NOTES, {0}), (What.DOCUMENTS, {1}), (What.ALL, {0, 1})]
)
async def test_a_recipient_gets_the_kinds_that_are_named(shelf, tmp_path, what, keys):
    await shelf.put(NOTES[0].xml, cte(CTE_KEY))

    found = await given(shelf, tmp_path, replace(ALL, what=what))

    assert set(found) == {[NOTES[0].chave, CTE_KEY][each] for each in keys}


async def test_notes_and_documents_share_the_room_of_a_package(shelf, tmp_path):
    await shelf.put(NOTES[0].xml, NOTES[1].xml, cte(CTE_KEY), cte(OTHER_CTE_KEY))

    counts = [each.new async for each in courier(shelf, tmp_path, replace(ALL, limit=3)).deliver()]

    assert counts == [3, 1]


async def test_documents_are_chosen_as_notes_are(shelf, tmp_path):
    await shelf.put(NOTES[0].xml, cte(CTE_KEY), cte(OTHER_CTE_KEY))
    issuer = replace(ALL, empresa=CTE_KEY[6:20], papel="emitente")

    assert set(await given(shelf, tmp_path, issuer)) == {CTE_KEY, OTHER_CTE_KEY}
    assert await given(shelf, tmp_path, replace(ALL, name="b", modelo="58")) == {}
    assert await given(shelf, tmp_path, replace(ALL, name="c", since="2031-01-01 00:00:00")) == {}


async def test_each_recipient_has_a_memory_of_its_own(shelf, tmp_path):
    await shelf.put(*(each.xml for each in NOTES))
    company = NOTES[0].chave[6:20]
    theirs = {each.chave for each in NOTES if each.chave[6:20] == company}
    other = replace(ALL, name="empresa", empresa=company, papel="emitente")

    assert set(await given(shelf, tmp_path, other)) == theirs
    assert len(await given(shelf, tmp_path)) == len(NOTES)
    assert await given(shelf, tmp_path, other) == {}
    both = replace(ALL, name="dois", empresa=company)
    assert theirs <= set(await given(shelf, tmp_path, both))
    assert await given(shelf, tmp_path, replace(ALL, name="futuro", since="2999-01-01")) == {}


async def test_many_notes_go_in_several_packages(shelf, tmp_path):
    await shelf.put(*(each.xml for each in NOTES))

    found = await given(shelf, tmp_path, replace(ALL, limit=5))

    assert len(found) == len(NOTES)
    names = sorted(each.name for each in (tmp_path / "out").glob("contador-*"))
    assert names == [f"contador-{number:06}.zip" for number in (1, 2, 3)]


class KilledError(Exception):
    """Stands for a process that ends there."""


class Killing:
    """A store's deliveries, of which the nth step never comes back, or never arrives."""

    def __init__(self, there, step, *, after):
        self.there, self.left, self.after = there, step, after

    def __getattr__(self, name):
        async def act(*arguments):
            self.left -= 1
            if self.left == 0 and not self.after:
                raise KilledError
            answer = await getattr(self.there, name)(*arguments)
            if self.left == 0:
                raise KilledError
            return answer

        return act


@pytest.mark.parametrize("as_zip", [True, False])
async def test_an_end_at_any_step_neither_skips_nor_doubles(shelf, tmp_path, as_zip):
    """The recipient takes what it sees at once."""
    taken = []
    out = tmp_path / "out"

    def take():
        for path in sorted(out.glob("contador-*")):
            taken.extend(listed(path))
            path.rename(out / f".taken-{len(taken)}-{path.name}")

    for step in range(1, 12):
        for after in (False, True):
            number = len(taken)
            await shelf.put(note(100 + 2 * step + after))
            killed = courier(shelf, tmp_path, as_zip=as_zip)
            killed = replace(killed, deliveries=Killing(shelf.deliveries, step, after=after))
            try:
                async for _ in killed.deliver():
                    pass
            except KilledError:
                pass
            take()
            async for _ in courier(shelf, tmp_path, as_zip=as_zip).deliver():
                pass
            take()
            assert len(taken) == number + 1, (step, after)

    assert len(set(taken)) == len(taken)
    assert await given(shelf, tmp_path, as_zip=as_zip) == {}


async def test_a_note_that_changes_while_it_is_packed_is_packed_as_it_is_then(shelf, tmp_path):
    await shelf.put(NOTES[0].xml)

    class Changing(Killing):
        def __getattr__(self, name):
            async def act(*arguments):
                self.left -= name == "settle"
                if name == "settle" and self.left == 0:
                    await shelf.put(proc_event(NOTES[0].chave))
                return await getattr(self.there, name)(*arguments)

            return act

    changing = replace(
        courier(shelf, tmp_path), deliveries=Changing(shelf.deliveries, 2, after=False)
    )
    (only,) = [each async for each in changing.deliver()]

    assert listed(only.path)[NOTES[0].chave]["status"] == "cancelada"
    assert await given(shelf, tmp_path) == {}


async def test_a_command_is_run_until_it_succeeds_and_gets_the_same_package(shelf, tmp_path):
    await shelf.put(NOTES[0].xml)
    log = tmp_path / "log"
    ok = tmp_path / "ok"
    script = (
        f"import os, sys, pathlib; pathlib.Path({str(log)!r}).open('a').write("
        "os.environ['DELIVERY'] + ' ' + sys.argv[1] + '\\n'); "
        f"sys.exit(not pathlib.Path({str(ok)!r}).exists())"
    )
    command = (sys.executable, "-c", script)

    with pytest.raises(FolderUnavailable, match="ended with 1"):
        await given(shelf, tmp_path, command=command)
    ok.touch()
    await shelf.put(NOTES[1].xml)
    found = await given(shelf, tmp_path, command=command)

    assert set(found) == {NOTES[0].chave, NOTES[1].chave}
    path = tmp_path / "out" / "contador-00000"
    assert log.read_text().splitlines() == [
        f"contador-000001 {path}1.zip",
        f"contador-000001 {path}1.zip",
        f"contador-000002 {path}2.zip",
    ]


async def test_two_at_once_do_not_meet(shelf, tmp_path):
    await shelf.put(NOTES[0].xml)
    first = courier(shelf, tmp_path).deliver()
    await anext(first)

    with pytest.raises(FolderUnavailable, match="another"):
        await given(shelf, tmp_path)

    await first.aclose()
    assert await given(shelf, tmp_path) == {}


@pytest.mark.parametrize("kind", ["postgresql", "supabase"])
async def test_a_note_whose_transaction_is_open_across_a_delivery_is_in_the_next(shelf, tmp_path):
    """Its id is lower than those that were delivered."""
    url = shelf.run.args[0]
    await shelf.put(NOTES[0].xml)
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into notas_fiscais (chave_acesso, status, xml_completo, data_hora_emissao)"
            " values (%s, 'autorizada', '<NFe/>', '2026-01-01')",
            ["9" * 44],
        )
        await shelf.put(NOTES[1].xml)

        before = await given(shelf, tmp_path)
        connection.commit()

    after = await given(shelf, tmp_path)

    (ids,) = shelf.rows(
        f"select (select id from notas_fiscais where chave_acesso = '{'9' * 44}')"
        f" < (select id from notas_fiscais where chave_acesso = '{NOTES[1].chave}')"
    )
    assert ids == (True,)
    assert set(before) == {NOTES[0].chave, NOTES[1].chave}
    assert set(after) == {"9" * 44}
    assert await given(shelf, tmp_path) == {}


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_four_daemons_write_while_it_runs(shelf, tmp_path):
    notes = [note(n) for n in range(200, 280)]
    writers = 4

    async def write(number):
        for at in range(number, len(notes), writers):
            await shelf.store.store(incoming(notes[at]), f"job-{number}")

    writing = asyncio.gather(*map(write, range(writers)))
    found = {}
    while not writing.done():
        some = await given(shelf, tmp_path)
        assert not found.keys() & some.keys()
        found |= some
    await writing
    last = await given(shelf, tmp_path)

    assert not found.keys() & last.keys()
    assert len(found | last) == len(notes)
    assert {situation for situation, _ in (found | last).values()} == {"nova"}


def test_the_command_killed_at_any_moment_neither_skips_nor_doubles(tmp_path):
    (tmp_path / "nfed.toml").write_text('[[delivery]]\nname = "contador"\nzip = "out"\n')
    (tmp_path / "xml_nf").mkdir()
    for n in range(60):
        (tmp_path / "xml_nf" / f"{n}.xml").write_bytes(note(n))
    at_once = {"NFED_SETTLE_SECONDS": "0", "NFED_DEBOUNCE_SECONDS": "0"}
    assert nfed(tmp_path, "run", "--once", **at_once).returncode == 0
    command = [sys.executable, "-m", "nfed", "deliver", "contador"]
    for wait_ms in range(0, 1500, 150):
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.DEVNULL
        )
        time.sleep(wait_ms / 1000)
        process.send_signal(signal.SIGKILL)
        process.wait()

    last = nfed(tmp_path, "deliver", "contador")
    again = nfed(tmp_path, "deliver", "contador")

    assert last.returncode == 0, last.stderr
    assert again.stdout == "contador: nothing new, nothing changed\n"
    seen = [chave for path in (tmp_path / "out").glob("contador-*.zip") for chave in listed(path)]
    assert len(seen) == len(set(seen)) == 60


def test_a_recipient_that_is_not_named_or_badly_is_said(tmp_path):
    assert "no [[delivery]]" in nfed(tmp_path, "deliver", "x").stderr
    for text, told in (
        ('name = "a"', "folder or zip"),
        ('name = "A b"\nzip = "x"', "name"),
        ('name = "a"\nzip = "x"\nempresa = "1"', "CNPJ"),
        ('name = "a"\nzip = "x"\nrole = "emitente"', "empresa"),
        ('name = "a"\nzip = "x"\ncor = "azul"', "cor"),
        ('name = "a"\nzip = "x"\n[[delivery]]\nname = "a"\nzip = "y"', "two"),
    ):
        (tmp_path / "nfed.toml").write_text(f"[[delivery]]\n{text}\n")
        said = nfed(tmp_path, "deliver", "a")
        assert said.returncode == 78
        assert told in said.stderr, said.stderr


def test_steps_have_the_names_that_databases_hold():
    assert [each.value for each in Step] == ["iniciada", "pronta", "entregue"]
    assert ROOT.is_dir()
