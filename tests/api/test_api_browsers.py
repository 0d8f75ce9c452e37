"""What pages of a browser may do: those that are named may ask, and a ticket lets them listen."""

import httpx
import pytest

from nfed.api.security import TICKET_SECONDS, is_ticket, ticket_for
from nfed.settings import Settings
from tests.support.harness import Rig
from tests.support.served import assert_problem, served

TOKEN = "um-segredo-bem-comprido"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OURS = "https://erp.example"
ASKED = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "Authorization"}


@pytest.fixture
def rig(tmp_path):
    with Rig(tmp_path) as rig:
        yield rig


def test_a_page_that_is_named_may_ask_and_no_other(rig):
    with served(rig, api_token=TOKEN, cors_origins=f"{OURS}, https://b.example") as server:
        asked = server.client.options("/notas", headers={"Origin": OURS, **ASKED})
        got = server.get("/notas", headers={"Origin": OURS, **BEARER})
        other = server.get("/notas", headers={"Origin": "https://evil.example", **BEARER})
        refused = server.client.options(
            "/notas", headers={"Origin": "https://evil.example", **ASKED}
        )

    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, OURS)
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    assert got.headers["access-control-allow-origin"] == OURS
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-origin" not in refused.headers
    assert "access-control-allow-credentials" not in got.headers


def test_without_the_setting_no_page_may_ask(rig):
    with served(rig) as server:
        answer = server.get("/notas", headers={"Origin": OURS})
        posted = server.post("/batch/upload", headers={"Origin": OURS})

    assert "access-control-allow-origin" not in answer.headers
    assert_problem(posted, 403)


def test_a_named_page_may_also_send_without_a_token(rig):
    with served(rig, cors_origins=OURS) as server:
        headers = {"Origin": OURS, "Sec-Fetch-Site": "cross-site"}
        assert server.post("/batch/upload", headers=headers).status_code == 202


@pytest.mark.parametrize("origin", ["*", "erp.example", "https://erp.example/x", "null"])
def test_what_is_no_origin_is_no_setting(origin):
    with pytest.raises(ValueError, match="is no origin"):
        Settings(cors_origins=(origin,))


def test_a_ticket_lets_a_browser_listen_and_do_nothing_else(rig):
    with served(rig, api_token=TOKEN) as server:
        given = server.post("/batch/events/ticket", headers=BEARER)
        ticket = given.json()["ticket"]
        listened = _listens(server.client, ticket)
        made_up = _listens(server.client, f"{ticket[:-1]}{'0' if ticket[-1] != '0' else '1'}")
        elsewhere = server.get("/notas", params={"ticket": ticket})
        unasked = server.post("/batch/events/ticket")

    assert (given.status_code, given.json()["expires_in_seconds"]) == (201, 60)
    assert TOKEN not in ticket
    assert (listened, made_up) == (200, 401)
    assert_problem(elsewhere, 401)
    assert_problem(unasked, 401)


def _listens(client: httpx.Client, ticket: str) -> int:
    with client.stream("GET", "/batch/events", params={"ticket": ticket}) as answer:
        return answer.status_code


def test_a_ticket_is_of_one_token_and_ends():
    ticket = ticket_for(TOKEN, 1000.0)

    assert is_ticket(ticket, TOKEN, 1000.0 + TICKET_SECONDS)
    assert not is_ticket(ticket, TOKEN, 1001.0 + TICKET_SECONDS)
    assert not is_ticket(ticket, "another-long-token", 1000.0)
    assert not is_ticket(ticket.replace("1060", "9999"), TOKEN, 1000.0)
    for made_up in ("", ".", "..", "9999999999.x.", "é.é.é"):
        assert not is_ticket(made_up, TOKEN, 1000.0)
