"""Deliveries in the SQLite store; see stores.deliveries."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nfed.errors import StoreUnavailable
from nfed.sqlite import WatchedDatabase, connect_readonly, world_errors
from nfed.stores.deliveries import Delivery, Step, Wanted, state
from nfed.stores.pages.conditions import conditions
from nfed.stores.pages.subjects import subjects
from nfed.stores.sql import statement
from nfed.stores.tables import Backend

_STATE = state("group_concat(v.evento, ' ')")
_NAMES = {"public": "", "name": ":name", "number": ":number", "state": _STATE}
_RECORD = statement(
    "deliveries/record.sql", **_NAMES, chaves="in (select value from json_each(:chaves))"
)
_SETTLE = statement("deliveries/settle.sql", **_NAMES)
_NOTES = statement(
    "deliveries/notes.sql",
    public="",
    name=":name",
    number=":number",
    after=":after",
    limit=":limit",
)
_LAST = "select numero, passo from nfed_entregas where nome = ? order by numero desc limit 1"


class SQLiteDeliveries:
    """See stores.deliveries.Deliveries. Between two methods no connection is open."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def begin(self, wanted: Wanted) -> Delivery | None:
        """See Deliveries. What is due is looked for before anything is locked."""
        return await asyncio.to_thread(self._begin, wanted)

    async def notes(self, delivery: Delivery, after: str, limit: int) -> list[tuple[str, str]]:
        """See Deliveries."""
        values = {"after": after, "limit": limit, **_values(delivery)}
        return await asyncio.to_thread(
            self._read, lambda connection: connection.execute(_NOTES, values).fetchall()
        )

    async def settle(self, delivery: Delivery) -> int:
        """See Deliveries."""
        return await asyncio.to_thread(
            self._write,
            lambda connection: connection.execute(_SETTLE, _values(delivery)).rowcount,
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
            known = conditions(subjects()["notas"], Backend.SQLITE)
            where = [known[name].format(public="", value=f":{name}") for name in wanted.values]
            query = statement(
                "deliveries/due.sql",
                public="",
                name=":name",
                state=_STATE,
                where=" and ".join(where) or "true",
                limit=":limit",
            )
            values = {**wanted.values, "name": wanted.name, "limit": wanted.limit}
            return [chave for (chave,) in connection.execute(query, values)]

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


def _recorded(connection: sqlite3.Connection, name: str, chaves: list[str]) -> Delivery | None:
    """A new delivery of these notes; None: there is nothing to give after all."""
    if not chaves:
        return None
    last = connection.execute(_LAST, (name,)).fetchone()
    if last is not None and last[1] != Step.DONE:
        return Delivery(name, last[0], Step(last[1]))  # somebody else has begun one
    made = Delivery(name, 1 if last is None else last[0] + 1, Step.BEGUN)
    values = {"chaves": json.dumps(chaves), **_values(made)}
    if connection.execute(_RECORD, values).rowcount <= 0:
        return None
    connection.execute(
        "insert into nfed_entregas (nome, numero, passo) values (?, ?, ?)",
        (made.name, made.number, made.step.value),
    )
    return made


def _values(delivery: Delivery) -> dict[str, object]:
    return {"name": delivery.name, "number": delivery.number}
