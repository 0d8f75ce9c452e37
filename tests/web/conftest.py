"""One Chromium for all tests of the page, and a page that forgives nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import browser
from tests.support.harness import Rig
from tests.support.served import Served, served

expect.set_options(timeout=20_000)


# Of a module: Playwright's loop runs in this thread until it ends, and no other may run beside it.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def server(rig: Rig) -> Iterator[Served]:
    with served(rig) as server:
        yield server


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages; at the end none has logged an error or asked another host for anything."""
    contexts, complaints = [], []

    def opened(url: str, *, errors_expected: bool = False, **how: object) -> Page:
        context = chromium.new_context(**{"locale": "pt-BR", **how})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        host = url.split("/")[2]
        page.on("request", lambda each: _is_own(each.url, host) or complaints.append(each.url))
        if not errors_expected:
            page.on(
                "console",
                lambda each: each.type in ("error", "warning") and complaints.append(each.text),
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _is_own(url: str, host: str) -> bool:
    return url.split("/")[2] == host
