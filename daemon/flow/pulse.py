"""Whether work moves on: every answer of a port is a beat."""

from collections.abc import Callable, Coroutine
from typing import Protocol

from daemon.core.ports import Ledger, Reader, Shelves, Store
from daemon.flow.processor import Ports


class Pulse:
    """Counts the answers of the ports; a job that hangs gets none."""

    def __init__(self) -> None:
        self.beats = 0
        self.asking_database = 0
        """Calls of the store that are under way; the job's own timeout bounds them."""

    def felt[**P, T](
        self, act: Callable[P, Coroutine[object, object, T]]
    ) -> Callable[P, Coroutine[object, object, T]]:
        """The same act, whose end, good or bad, is a beat."""

        async def acting(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return await act(*args, **kwargs)
            finally:
                self.beats += 1

        return acting

    def felt_by_database[**P, T](
        self, act: Callable[P, Coroutine[object, object, T]]
    ) -> Callable[P, Coroutine[object, object, T]]:
        """The same, noting that the database is being asked."""

        async def acting(*args: P.args, **kwargs: P.kwargs) -> T:
            self.asking_database += 1
            try:
                return await act(*args, **kwargs)
            finally:
                self.asking_database -= 1
                self.beats += 1

        return acting


class Gate(Protocol):
    """Makes of an act one that may be refused."""

    def __call__[**P, T](
        self, act: Callable[P, Coroutine[object, object, T]], /
    ) -> Callable[P, Coroutine[object, object, T]]:
        """The act behind the gate."""
        ...


def felt_ports(ports: Ports, pulse: Pulse, store_gate: Gate, ledger_gate: Gate) -> Ports:
    """The same ports behind their gates, and whose answers are beats."""
    return Ports(
        _Reader(ports.reader, pulse),
        _Store(ports.store, pulse, store_gate),
        _Ledger(ports.ledger, pulse, ledger_gate),
        _Shelves(ports.shelves, pulse),
    )


def felt_shelves(shelves: Shelves, pulse: Pulse) -> Shelves:
    """The same shelves, whose answers are beats."""
    return _Shelves(shelves, pulse)


class _Reader:
    def __init__(self, reader: Reader, pulse: Pulse) -> None:
        self.read = pulse.felt(reader.read)
        self.list_archive = pulse.felt(reader.list_archive)
        self.read_members = pulse.felt(reader.read_members)
        self.member_bytes = pulse.felt(reader.member_bytes)


class _Store:
    def __init__(self, store: Store, pulse: Pulse, gate: Gate) -> None:
        self.store = pulse.felt_by_database(gate(store.store))


class _Ledger:
    def __init__(self, ledger: Ledger, pulse: Pulse, gate: Gate) -> None:
        self.save_job = pulse.felt(gate(ledger.save_job))
        self.record = pulse.felt(gate(ledger.record))


class _Shelves:
    def __init__(self, shelves: Shelves, pulse: Pulse) -> None:
        self.put_away = pulse.felt(shelves.put_away)
        self.keep_member = pulse.felt(shelves.keep_member)
