"""Holds what exports are made of, and how many there are at once."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from nfed.api.problems import Problem
from nfed.exports.originals import Originals
from nfed.exports.printing import Printing
from nfed.exports.request import Request, Tally, answer
from nfed.intake.folder import DONE
from nfed.stores.pages import Pages

_AT_ONCE = 2


class Exports:
    """What routes take out of; a few exports at once, so that a daemon has time for its work."""

    def __init__(self, pages: Pages, folder: Path) -> None:
        self.pages = pages
        self.printing = Printing()
        self._done = folder / DONE
        self._running = 0
        self._stopped = False

    def stop(self) -> None:
        """Ends what is under way: who asked gets less than was promised, and notices."""
        self._stopped = True

    async def close(self) -> None:
        """Does so, and ends the process that prints."""
        self.stop()
        await self.printing.close()

    def originals(self) -> Originals:
        """Where the imported files are looked for."""
        return Originals(self._done if self._done.is_dir() else None)

    def stream(self, request: Request) -> AsyncIterator[bytes]:
        """The export's bytes. Raises the problem that there are too many, or StoreUnavailable."""
        return self.counted(lambda: answer(request, self.pages, self.originals(), Tally()))

    async def counted(self, parts: Callable[[], AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
        """The bytes of what is made so. Raises as `stream`."""
        if self._running >= _AT_ONCE:
            raise Problem(
                503, "other exports are under way; try again later", headers={"Retry-After": "30"}
            )
        self._running += 1
        try:
            async for part in parts():
                if self._stopped:
                    raise ConnectionAbortedError("the service stops")
                if part:
                    yield part
        finally:
            self._running -= 1
