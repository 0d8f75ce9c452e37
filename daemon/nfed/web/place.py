"""Holds what the screens share: the Api, the settings, and what is kept between two requests."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

from fastapi import Depends, Request

from nfed.api.state import Api
from nfed.settings import Settings
from nfed.stores.pages import Pages
from nfed.web.refusals import Refusals
from nfed.web.trials import Trials
from nfed.wiring import open_pages, summaries_of


class Place:
    """One for the application."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self.api = api
        self.settings = settings
        self.refusals = Refusals(api.folder)
        self.trials = Trials(api.folder, settings)
        self.summaries = summaries_of(settings)
        """None: the store cannot."""
        self._shared: dict[str, Shared[Any]] = {}

    def pages(self) -> AbstractAsyncContextManager[Pages]:
        """Reads lists of what is stored, inside the block."""
        return open_pages(self.settings)

    async def shared[T](self, name: str, ask: Callable[[], Awaitable[T]], seconds: float) -> T:
        """One answer for all who ask for `name` within so many seconds."""
        kept = self._shared.get(name)
        if kept is None:
            kept = self._shared[name] = Shared(ask, seconds)
        answer: T = await kept.now()
        return answer


class Shared[T]:
    """An answer for all who ask within a moment, so that twenty pages cost what one does."""

    def __init__(self, ask: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._until = 0.0
        self._answer: asyncio.Task[T] | None = None

    async def now(self) -> T:
        """The answer, at most `seconds` old."""
        clock = asyncio.get_running_loop().time
        if self._answer is None or (self._answer.done() and clock() >= self._until):
            self._answer = asyncio.create_task(self._renewed(), name="page")
        return await asyncio.shield(self._answer)

    async def _renewed(self) -> T:
        try:
            return await self._ask()
        finally:
            self._until = asyncio.get_running_loop().time() + self._seconds


def place_of(request: Request) -> Place:
    """The application's."""
    place: Place = request.app.state.nfed_place
    return place


Here = Annotated[Place, Depends(place_of)]
