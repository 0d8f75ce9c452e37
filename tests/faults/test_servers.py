"""PostgreSQL and Supabase stop, are killed, or are cut off in mid-COMMIT and in mid-answer."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import FACTOR
from tests.faults.stage import Stage, random_moment
from tests.faults.tally import count
from tests.support.harness import eventually
from tests.support.http_proxy import Fault, HttpProxy, page
from tests.support.postgres_server import Server, running
from tests.support.stores import ask_postgres
from tests.support.supabase_server import Project
from tests.support.tcp_proxy import Proxy

ROWS = (
    "select n.chave_acesso, count(i.id)::int from notas_fiscais n "
    "left join nf_itens i on i.nota_fiscal_id = n.id group by n.id"
)


def _fed_by(stage: Stage, url: str, **settings: object) -> None:
    stage.settings = settings
    stage.rows = lambda: [(str(c), int(n)) for c, n in ask_postgres(url, ROWS)]


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_a_postgres_that_goes_down_costs_no_file(stage: Stage, way: str):
    with running() as server, server.database() as name:
        _fed_by(stage, server.url(name), database_url=server.url(name))
        stage.start()
        for _ in range(2 * FACTOR):
            stage.send(60)
            random_moment(stage.chance, 3)
            if way == "killed":
                pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
                os.kill(pid, signal.SIGKILL)
                _gone(pid)
            else:
                server.stop()
            count(f"PostgreSQL {way}")
            random_moment(stage.chance, 3)
            _start(server)

        stage.ends()


def _gone(pid: int) -> None:
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)


def _start(server: Server) -> None:
    """Its orphans hold the shared memory for a moment after a kill."""

    def tried() -> bool:
        try:
            server.start()
        except Exception:  # whatever pg_ctl says: it is tried again
            return False
        return True

    eventually(tried, "PostgreSQL is up again", 60)


@pytest.mark.parametrize("lost", [b"commit\0", None])
def test_connections_cut_at_any_moment_cost_and_double_nothing(
    stage: Stage, postgres: Server, postgres_url: str, lost: bytes | None
):
    """`lost`: the server commits, and its answer never comes."""
    with Proxy(postgres.port) as proxy:
        through = postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/")
        _fed_by(stage, postgres_url, database_url=through)
        stage.start()
        for _ in range(4 * FACTOR):
            before = proxy.answers_lost
            proxy.loses_answer_to = lost
            stage.send(30)
            if lost is None:
                random_moment(stage.chance, 1)
                proxy.cut()
                count("PostgreSQL cut off")
            else:
                eventually(lambda: proxy.answers_lost > before, "an answer is lost", 60)  # noqa: B023
                proxy.loses_answer_to = None
                count("answer to COMMIT lost", proxy.answers_lost - before)

        stage.ends()


@pytest.mark.parametrize("fault", [*Fault, "gateway"])
def test_a_supabase_that_fails_costs_and_doubles_nothing(
    stage: Stage, supabase_project: Project, fault: Fault | str
):
    with HttpProxy(supabase_project.url) as proxy:
        _fed_by(
            stage,
            supabase_project.database_url,
            database_url=None,
            supabase_url=proxy.url,
            supabase_service_key=supabase_project.service_key,
        )
        stage.start()
        for _ in range(2 * FACTOR):
            stage.send(30)
            random_moment(stage.chance, 1)
            troubles = [page(503) if isinstance(fault, str) else fault] * stage.chance.randint(1, 3)
            if fault in (Fault.SILENT, Fault.HELD):
                troubles = troubles[:1]
            proxy.next(*troubles)
            count(f"Supabase: {fault if isinstance(fault, str) else fault.name}", len(troubles))
            random_moment(stage.chance, 2)
            proxy.released.set()

        stage.ends()


def test_a_daemon_killed_while_it_feeds_postgres_doubles_nothing(
    stage: Stage, postgres_url: str, tmp_path: Path
):
    _fed_by(stage, postgres_url, database_url=postgres_url)
    for _ in range(3 * FACTOR):
        stage.send(40)
        stage.launch()
        random_moment(stage.chance, 6)
        stage.kill()

    stage.ends()
