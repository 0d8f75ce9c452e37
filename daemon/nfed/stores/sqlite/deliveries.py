"""Deliveries in the SQLite store; see stores.deliveries."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nfed.errors import StoreUnavailable
from nfed.sqlite import WatchedDatabase, connect_readonly, world_errors
from nfed.stores.deliveries import HEADS, Delivery, Dialect, Step, Wanted
from nfed.stores.tables import Backend

_DIALECT = Dialect(
    Backend.SQLITE,
    public="",
    name=":name",
    number=":number",
    events="group_concat(v.evento, ' ')",
    keys="in (select value from json_each(:keys))",
)
_LAST = "select numero, passo from nfed_entregas where nome = ? order by numero desc limit 1"


class SQLiteDeliveries:
    """See stores.deliveries.Deliveries. Between two methods no connection is open."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def begin(self, wanted: Wanted) -> Delivery | None:
        """See Deliveries. What is due is looked for before anything is locked."""
        return await asyncio.to_thread(self._begin, wanted)

    async def given(self, delivery: Delivery, after: str, limit: int) -> list[tuple[str, str]]:
        """See Deliveries."""
        values = {"after": after, "limit": limit, **_values(delivery)}
        query = _DIALECT.given(":after", ":limit")
        return await asyncio.to_thread(
            self._read, lambda connection: connection.execute(query, values).fetchall()
        )

    async def settle(self, delivery: Delivery) -> int:
        """See Deliveries."""
        return await asyncio.to_thread(
            self._write,
            lambda connection: sum(
                connection.execute(_DIALECT.settle(head), _values(delivery)).rowcount
                for head in HEADS
            ),
        )

    async def advance(self, delivery: Delivery, step: Step) -> None:
        """See Deliveries."""
        query = "update nfed_entregas set passo = ? where nome = ? and numero = ?"
        values = (step.value, delivery.name, delivery.number)
        await asyncio.to_thread(self._write, lambda connection: connection.execute(query, values))

    async def close(self) -> None:
        """See Deliveries."""

    def _begin(self, wanted: Wanted) -> Delivery | None:
        def due(connection: sqlite3.Connection) -> Delivery | list[str]:
            found = connection.execute(_LAST, (wanted.name,)).fetchone()
            if found is not None and found[1] != Step.DONE:
                return Delivery(wanted.name, found[0], Step(found[1]))
            return _due(connection, wanted)

        found = self._read(due)
        if not isinstance(found, list):
            return found
        return self._write(lambda connection: _recorded(connection, wanted.name, found)) or None

    def _read[T](self, ask: Callable[[sqlite3.Connection], T]) -> T:
        with world_errors("database", self._path):
            connection = connect_readonly(self._path)
            try:
                return ask(connection)
            finally:
                connection.close()

    def _write[T](self, act: Callable[[sqlite3.Connection], T]) -> T:
        with world_errors("database", self._path):
            database = WatchedDatabase(self._path)
            try:
                with database.transaction() as connection:
                    return act(connection)
            finally:
                with suppress(StoreUnavailable):
                    database.close()


def _due(connection: sqlite3.Connection, wanted: Wanted) -> list[str]:
    found: list[str] = []
    named = {name: f":{name}" for name in wanted.values}
    for head in wanted.what.heads:
        query = _DIALECT.due(head, named, ":limit", optional=False)
        rest = wanted.limit - len(found)
        values = {**wanted.values, "name": wanted.name, "limit": rest}
        found += [key for (key,) in connection.execute(query, values)]
    return found


def _recorded(connection: sqlite3.Connection, name: str, keys: list[str]) -> Delivery | None:
    """A new delivery of these documents; None: there is nothing to give after all."""
    if not keys:
        return None
    last = connection.execute(_LAST, (name,)).fetchone()
    if last is not None and last[1] != Step.DONE:
        return Delivery(name, last[0], Step(last[1]))  # somebody else has begun one
    made = Delivery(name, 1 if last is None else last[0] + 1, Step.BEGUN)
    values = {"keys": json.dumps(keys), **_values(made)}
    if sum(connection.execute(_DIALECT.record(head), values).rowcount for head in HEADS) <= 0:
        return None
    connection.execute(
        "insert into nfed_entregas (nome, numero, passo) values (?, ?, ?)",
        (made.name, made.number, made.step.value),
    )
    return made


def _values(delivery: Delivery) -> dict[str, object]:
    return {"name": delivery.name, "number": delivery.number}
