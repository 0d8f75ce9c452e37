"""Remembers what each recipient was given of the notes, and finds what is due: new, or changed.

A delivery is due by what a note is, not by when it came. For each recipient the table
nfed_entregues holds the state (`state.sql`) in which each note was last given: its status and
protocol, what its issuer says, and its events. What has no such row is new, what has another state
has changed. No clock, no id and no sequence is compared, so it does not matter in which order
transactions commit: a note whose transaction is open is not seen, and is due when it is.

A delivery has a number and takes three steps, each a transaction: `begin` chooses the notes and
records their states; `settle` records them once more, and says how many changed while the package
was made from them (then it is made again); `advance` says that the package is whole, and at last
that it is handed over. Whoever is killed between two of them goes on with the same number.

It costs a look at each of the recipient's notes, and a row a note. It puts nothing into the way of
an import: no trigger, and no lock but that of its own rows.

`sqlite/deliveries` and `postgres/deliveries` do it; what is packed and where it lands is not known
here (`exports.deliver`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from nfed.stores.sql import statement


class Step(StrEnum):
    """How far a delivery has come."""

    BEGUN = "iniciada"
    READY = "pronta"
    """Its package is whole and on the disk."""
    DONE = "entregue"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One package for one recipient."""

    name: str
    number: int
    step: Step


@dataclass(frozen=True, slots=True)
class Wanted:
    """The notes that a recipient is to have."""

    name: str
    empresa: str | None
    """CPF or CNPJ, whatever it is in the note."""
    papel: str | None
    since: str | None
    """AAAA-MM-DD hh:mm:ss of the issuer's clock."""
    modelo: str | None
    limit: int
    """Notes in a package."""

    @property
    def values(self) -> dict[str, str]:
        """By the names of `pages.conditions`."""
        values = {"since": self.since, "modelo": self.modelo, self.papel or "empresa": self.empresa}
        return {name: value for name, value in values.items() if value is not None}


class Deliveries(Protocol):
    """What a store does. Each method is a transaction. Raises StoreUnavailable or ConfigError."""

    async def begin(self, wanted: Wanted) -> Delivery | None:
        """The recipient's delivery that is not done, or a new one; None: nothing is due."""
        ...

    async def notes(self, delivery: Delivery, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Chaves after that one, in their order, each `nova` or `alterada`."""
        ...

    async def settle(self, delivery: Delivery) -> int:
        """Records the notes' states as they are now; how many had changed since."""
        ...

    async def advance(self, delivery: Delivery, step: Step) -> None:
        """Records that it has come so far."""
        ...

    async def close(self) -> None:
        """Lets go of the database."""
        ...


def state(events: str, public: str = "") -> str:
    """The SQL of a note `n`'s state; `events` joins those of its events, in their order."""
    return statement("deliveries/state.sql", public=public, events=events)
