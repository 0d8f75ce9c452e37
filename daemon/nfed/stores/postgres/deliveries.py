"""Deliveries in PostgreSQL by nfed_entrega, over its own protocol or HTTPS."""

import json
from abc import ABC, abstractmethod

from nfed.errors import StoreRejected, StoreUnavailable
from nfed.stores.deliveries import Delivery, Step, Wanted
from nfed.stores.postgres.connection import connected
from nfed.stores.postgres.functions import DELIVER
from nfed.stores.postgres.project import Project

_FUNCTION = DELIVER.partition("(")[0].removeprefix("public.")
_MOST_TOLD = 300


class _Deliveries(ABC):
    """See stores.deliveries.Deliveries."""

    async def begin(self, wanted: Wanted) -> Delivery | None:
        asked: dict[str, object] = {
            "acao": "begin",
            "name": wanted.name,
            "limit": wanted.limit,
            "what": wanted.what.value,
            **wanted.values,
        }
        found = await self._ask(asked)
        if not isinstance(found, dict) or found["number"] is None:
            return None
        return Delivery(wanted.name, int(found["number"]), Step(str(found["step"])))

    async def given(self, delivery: Delivery, after: str, limit: int) -> list[tuple[str, str]]:
        asked = {"acao": "given", "after": after, "limit": limit, **_values(delivery)}
        found = await self._ask(asked)
        assert isinstance(found, list)
        return [(str(key), str(situation)) for key, situation in found]

    async def settle(self, delivery: Delivery) -> int:
        found = await self._ask({"acao": "settle", **_values(delivery)})
        assert isinstance(found, dict)
        return int(found["count"])

    async def advance(self, delivery: Delivery, step: Step) -> None:
        await self._ask({"acao": "advance", "step": step.value, **_values(delivery)})

    async def _ask(self, asked: dict[str, object]) -> object:
        told = await self._call(asked)
        try:
            found: object = json.loads(str(told))
        except (ValueError, RecursionError) as error:
            raise StoreUnavailable(
                f"expected what {_FUNCTION} returns: {told!r}"[:_MOST_TOLD]
            ) from error
        return found

    @abstractmethod
    async def _call(self, asked: dict[str, object]) -> object:
        """What the function returns."""


class PostgresDeliveries(_Deliveries):
    """See stores.deliveries.Deliveries; a connection a step."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def close(self) -> None:
        """Nothing is held between steps."""

    async def _call(self, asked: dict[str, object]) -> object:
        # A single statement, which is a transaction of its own.
        async with connected(self._url) as connection, connection.transaction():
            query = f"select public.{_FUNCTION}($1)"
            told: object = await connection.fetchval(query, json.dumps(asked))
            return told


class SupabaseDeliveries(_Deliveries):
    """See stores.deliveries.Deliveries; a request a step."""

    def __init__(self, project: Project) -> None:
        self._project = project

    async def close(self) -> None:
        """Hangs up."""
        await self._project.close()

    async def _call(self, asked: dict[str, object]) -> object:
        try:
            return await self._project.call(_FUNCTION, {"pedido": asked})
        except StoreRejected as error:
            raise StoreUnavailable(str(error)) from error


def _values(delivery: Delivery) -> dict[str, object]:
    return {"name": delivery.name, "number": delivery.number}
