"""The daemon, as a process, that feeds a Supabase project over HTTPS."""

import json

import pytest

from tests.stores.test_postgres_store import count, execute
from tests.support.cli_command import nfed, one_line
from tests.support.harness import Rig, eventually, never, note, notes
from tests.support.http_proxy import Answer, Fault, HttpProxy, page, postgrest
from tests.support.postgres_server import free_port, running
from tests.support.served import served
from tests.support.stores import ask_postgres
from tests.support.supabase_roles import supabase
from tests.support.supabase_server import serving

STORE = "nfed_store"


class Fed:
    """A rig whose daemons feed the project by way of the proxy."""

    def __init__(self, rig, project, proxy):
        self.rig = rig
        self.project = project
        self.proxy = proxy

    @property
    def settings(self):
        return {
            "database_url": None,
            "supabase_url": self.proxy.url,
            "supabase_service_key": self.project.service_key,
        }

    def start(self, *arguments, **settings):
        return self.rig.start(*arguments, **self.settings | settings)

    def once(self, **settings):
        return self.rig.once(**self.settings | settings)

    def assert_each_once(self, dropped):
        stored = ask_postgres(
            self.project.database_url,
            "select n.chave_acesso, count(i.id) from notas_fiscais n "
            "left join nf_itens i on i.nota_fiscal_id = n.id group by n.id",
        )
        assert sorted(stored) == sorted((each.chave, each.itens) for each in dropped)


@pytest.fixture
def fed(tmp_path, supabase_project):
    """Whatever happens: nothing that a daemon writes holds the key."""
    with Rig(tmp_path) as rig, HttpProxy(supabase_project.url) as proxy:
        made = Fed(rig, supabase_project, proxy)
        yield made
        for daemon in rig.daemons:
            assert daemon.noise() == []
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or supabase_project.service_key.encode() not in path.read_bytes()


@pytest.mark.parametrize("prefix", ["NFED_SUPABASE_", "SUPABASE_"])
def test_a_folder_is_imported_with_both_names_of_the_settings(fed, prefix):
    dropped = notes(30)
    fed.rig.drop_all(dropped)
    fed.rig.drop(b"<a/>", "bad.xml")
    env = {f"{prefix}URL": fed.project.url, f"{prefix}SERVICE_KEY": fed.project.service_key}

    daemon = fed.rig.once(database_url=None, env=env)

    assert daemon.process.returncode == 0, daemon.lines()[-5:]
    fed.assert_each_once(dropped)
    assert len(fed.rig.done()) == 30
    assert fed.rig.failed() == ["bad.xml", "bad.xml.error.json"]


def test_an_outage_is_said_once_and_the_backlog_drains_after_it(fed):
    fed.start()
    dropped = notes(60)
    fed.proxy.always(page(503))
    fed.rig.drop_all(dropped)
    daemon = fed.rig.daemons[0]
    said = daemon.waits_for("database_unavailable")
    eventually(lambda: len(fed.proxy.calls(STORE)) >= 4, "it tries again")
    assert "503" in str(said["error"])
    assert (len(fed.rig.left()), fed.rig.done(), fed.rig.failed()) == (60, [], [])

    fed.proxy.always(None)
    fed.rig.drains(60)

    fed.assert_each_once(dropped)
    assert fed.rig.failed() == []
    assert len(daemon.events("database_unavailable")) == 1
    assert daemon.events("database_reachable_again")
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (postgrest(404, "PGRST202", "no such function"), "nfed db migrate"),
        (postgrest(401, "PGRST301", "JWT expired"), "supabase_service_key"),
        (postgrest(403, "42501", "permission denied"), "supabase_service_key"),
        (Answer(200, b"<html>"), "no answer of it"),
    ],
)
def test_what_somebody_must_mend_is_said_while_files_wait(fed, trouble, says):
    daemon = fed.start()
    fed.proxy.always(trouble)
    fed.rig.drop_all(notes(3))

    said = daemon.waits_for("database_unavailable")
    never(lambda: fed.rig.done() or fed.rig.failed(), seconds=1)

    assert says in str(said["error"])
    fed.proxy.always(None)
    fed.rig.drains(60)
    fed.assert_each_once(notes(3))


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.CUT_WITHIN])
def test_connections_that_break_store_nothing_twice(fed, fault):
    dropped = notes(40)
    fed.proxy.next(fault, fault, fault)
    fed.rig.drop_all(dropped)

    daemon = fed.once()

    assert daemon.process.returncode == 0, daemon.lines()[-5:]
    fed.assert_each_once(dropped)
    assert (len(fed.rig.done()), fed.rig.failed()) == (40, [])
    assert [each.trouble for each in fed.proxy.calls(STORE)[:3]] == [fault] * 3


def test_a_gateway_with_a_small_limit_gets_smaller_chunks(fed):
    dropped = notes(60, items=5)
    fed.proxy.max_body_bytes = 60_000
    fed.rig.drop_all(dropped)

    daemon = fed.once()

    assert daemon.process.returncode == 0, daemon.lines()[-5:]
    fed.assert_each_once(dropped)
    assert fed.rig.failed() == []
    assert daemon.events("database_unavailable") == []
    passed = [each.size_bytes for each in fed.proxy.calls(STORE) if each.trouble is None]
    assert max(passed) <= 60_000


def test_a_gateway_that_asks_for_rest_is_left_alone_so_long(fed):
    daemon = fed.start()
    fed.proxy.next(page(429, **{"retry-after": "4"}))
    fed.rig.drop(note(1))

    daemon.waits_for("database_unavailable")
    never(lambda: len(fed.proxy.calls(STORE)) > 1, seconds=2.5)
    fed.rig.drains(60)

    fed.assert_each_once([note(1)])
    assert len(fed.proxy.calls(STORE)) == 2


def test_an_answer_that_never_comes_keeps_nobody_from_stopping_the_daemon(fed):
    """The first SIGTERM lets the call finish, the second one gives it up."""
    daemon = fed.start()
    fed.proxy.always(Fault.SILENT)
    fed.rig.drop(note(1))
    eventually(lambda: fed.proxy.calls(STORE), "the call is under way")

    daemon.send(15)
    daemon.waits_for("stopping")
    daemon.stop()

    assert fed.rig.left() == [note(1).name]
    fed.proxy.always(None)
    assert fed.once().process.returncode == 0
    fed.assert_each_once([note(1)])


def test_a_daemon_waits_for_the_project_and_drains(fed):
    port = free_port()
    dropped = notes(10)
    fed.rig.drop_all(dropped)
    daemon = fed.start(supabase_url=f"http://127.0.0.1:{port}")
    assert "127.0.0.1" in str(daemon.waits_for("database_unavailable")["error"])
    assert len(fed.rig.left()) == 10

    with HttpProxy(fed.project.url, port):
        fed.rig.drains(60)

        assert daemon.stop() == 0
    fed.assert_each_once(dropped)


def test_once_exits_75_during_an_outage_and_leaves_the_files(fed):
    fed.rig.drop_all(notes(3))
    fed.proxy.always(page(502))

    daemon = fed.once(batch_timeout_seconds=2)

    assert daemon.process.returncode == 75
    assert (len(fed.rig.left()), fed.rig.failed()) == (3, [])


def test_a_note_that_the_database_rejects_is_refused_and_its_neighbours_are_stored(fed):
    url = fed.project.database_url
    bad = note(17)
    dropped = [note(n) for n in range(40)]
    execute(url, "create table picky (chave text primary key)")
    execute(url, f"insert into picky values ('{bad.chave}')")
    execute(
        url,
        "create function picky() returns trigger language plpgsql as $$ begin "
        f"if new.chave_acesso = '{bad.chave}' then insert into public.picky "
        "values (new.chave_acesso); end if; return new; end $$; "
        "create trigger picky before insert on notas_fiscais "
        "for each row execute function picky()",
    )
    try:
        fed.rig.drop_all(dropped)
        daemon = fed.once()
    finally:
        execute(url, "drop function picky cascade; drop table picky")

    assert daemon.process.returncode == 0
    fed.assert_each_once([each for each in dropped if each.chave != bad.chave])
    assert fed.rig.failed() == [bad.name, f"{bad.name}.error.json"]
    said = fed.rig.reason(bad.name)
    assert said["error_type"] == "RejectedByDatabase"
    assert "picky" in str(said["error"])


def test_daemons_on_many_folders_feed_one_project(fed, tmp_path):
    """All get the same notes, and each some of its own."""
    rigs = [Rig(tmp_path / str(number)) for number in range(4)]
    same = notes(40)
    own = [notes(10, start=1000 + 10 * number) for number in range(4)]
    for rig, more in zip(rigs, own, strict=True):
        rig.drop_all([*more, *same])

    daemons = [rig.launch("--once", workers=1, **fed.settings) for rig in rigs]

    assert [daemon.ends(90) for daemon in daemons] == [0] * 4
    fed.assert_each_once([*same, *(each for some in own for each in some)])
    for rig in rigs:
        assert (len(rig.done()), rig.failed()) == (50, [])


def test_the_api_reads_what_it_has_stored(fed):
    with served(fed.rig, **fed.settings) as server:
        job = server.upload(("1.xml", note(1).xml)).json()
        assert server.ended(job["job_id"])["status"] == "completed"

        page_of_notes = server.get("/notas")
        whole = server.get(f"/notas/{note(1).chave}")
        xml = server.get(f"/notas/{note(1).chave}/xml")

        assert server.get("/readyz").status_code == 200
    assert note(1).chave in page_of_notes.text
    assert len(whole.json()["nf_itens"]) == 2
    assert xml.content == note(1).xml


def told(fed, *arguments, **env):
    """What a command says, wherever it says it; never the key."""
    environment = {
        "NFED_SUPABASE_URL": fed.proxy.url,
        "NFED_SUPABASE_SERVICE_KEY": fed.project.service_key,
        **env,
    }
    finished = nfed(fed.rig.home, *arguments, **environment)
    said = finished.stdout + finished.stderr
    assert fed.project.service_key not in said
    return finished


def test_the_commands_look_at_the_project_and_show_no_key(fed):
    fed.rig.drop_all(notes(5))
    assert fed.once().process.returncode == 0

    check = told(fed, "check")
    status = told(fed, "status", "--json")
    config = told(fed, "config", "--json")
    told(fed, "config")

    assert check.returncode == 0, check.stdout
    assert fed.proxy.url in check.stdout
    assert status.returncode == 0
    assert json.loads(status.stdout)["database"]["notes"] == 5
    assert json.loads(config.stdout)["supabase_service_key"]["value"] == "***"


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (page(503), "503"),
        (postgrest(401, "PGRST301", "JWT expired"), "supabase_service_key"),
        (postgrest(404, "PGRST205", "no such table"), "nfed db migrate"),
        (Fault.CUT_BEFORE, "127.0.0.1"),
        (Answer(200, b"[[["), "expected a list of rows"),
    ],
)
def test_check_says_what_is_wrong_with_the_project(fed, trouble, says):
    fed.proxy.everywhere = True
    fed.proxy.always(trouble)

    check = told(fed, "check")

    assert check.returncode != 0
    assert says in check.stdout


@pytest.mark.parametrize("command", [("run",), ("run", "--once")])
def test_a_key_that_does_not_fit_is_exit_78_and_one_line(fed, command):
    key = f"{fed.project.service_key}OfAnotherProject"

    refused = told(fed, *command, NFED_SUPABASE_SERVICE_KEY=key)

    assert refused.returncode == 78
    assert "supabase_service_key" in one_line(refused)


def test_a_project_without_a_schema_is_exit_78_and_says_what_to_run(fed):
    with running() as server, supabase(server) as bare, serving(bare) as project:
        refused = told(fed, "run", NFED_SUPABASE_URL=project.url)

    assert refused.returncode == 78
    assert "nfed db migrate" in one_line(refused)


def test_what_db_sql_prints_prepares_a_project_that_the_daemon_then_feeds(fed):
    """For those who paste it into Supabase's SQL editor."""
    printed = told(fed, "db", "sql", "--for", "postgresql")
    assert printed.returncode == 0
    with running() as server, supabase(server) as bare:
        execute(bare, printed.stdout)
        with serving(bare) as project:
            fed.rig.drop_all(notes(3))
            daemon = fed.once(supabase_url=project.url)
            assert daemon.process.returncode == 0, daemon.lines()[-5:]
        assert count(bare) == 3
