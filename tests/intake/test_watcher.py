"""The watch on the folder where the kernel has no watch left."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from structlog.testing import capture_logs

from nfed.intake import watcher
from nfed.intake.watcher import Watch
from tests.support.harness import eventually


class Panic(BaseException):
    """Of code in Rust, as pyo3 raises it."""


async def test_a_watch_that_panics_ends_no_daemon(tmp_path, monkeypatch):
    """As watchfiles does when a call fails that it does not expect to."""
    panics = 0

    async def awatch(*_: object, **__: object) -> AsyncIterator[None]:
        nonlocal panics
        panics += 1
        raise Panic
        yield

    monkeypatch.setattr(watcher, "awatch", awatch)
    watch = Watch(tmp_path, lambda: None, recursive=False, force_polling=False)
    running = asyncio.create_task(watch.run())
    await asyncio.to_thread(eventually, lambda: panics >= 2 or running.done())
    watch.close()
    await running

    assert panics == 2


async def test_events_that_do_not_come_are_said_once(tmp_path):
    hints = 0

    def hint() -> None:
        nonlocal hints
        hints += 1

    watch = Watch(tmp_path, hint, recursive=False, force_polling=False)
    await asyncio.to_thread(int)  # which loads what it needs
    with capture_logs() as logs, no_descriptor_left():
        running = asyncio.create_task(watch.run())
        await asyncio.to_thread(eventually, lambda: hints >= 4)
        error = watch.error
        watch.close()
        await running

    assert error is not None
    said = [line for line in logs if line["event"] == "inotify_unavailable"]
    assert [line["log_level"] for line in said] == ["info"]


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """No more descriptors than are open, for as long as it lasts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
