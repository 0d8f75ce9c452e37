"""Remembers what each recipient was given, and finds what is due: new, or changed.

A delivery is due by what a document is, not by when it came. For each recipient the table
nfed_entregues holds the state (`state_of_….sql`) in which each was last given: its status and
protocol, what its issuer says, and a note's events; events of other documents are given by
themselves. What has no such row is new, what has another state has changed. No clock, no id and no
sequence is compared, so it does not matter in which order transactions commit: a document whose
transaction is open is not seen, and is due when it is.

A delivery has a number and takes three steps, each a transaction: `begin` chooses the documents and
records their states; `settle` records them once more, and says how many changed while the package
was made from them (then it is made again); `advance` says that the package is whole, and at last
that it is handed over. Whoever is killed between two of them goes on with the same number.

It costs a look at each of the recipient's documents, and a row for each. It puts nothing into the
way of an import: no trigger, and no lock but that of its own rows.

`sqlite/deliveries` and `postgres/deliveries` do it; what is packed and where it lands is not known
here (`exports.deliver`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from nfed.stores.pages.conditions import conditions
from nfed.stores.pages.subjects import subjects
from nfed.stores.sql import statement
from nfed.stores.tables import Backend


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
class Head:
    """A table of what can be given."""

    subject: str
    """Of `stores.pages`, by whose conditions it is chosen."""
    table: str
    alias: str
    key: str
    """The column that nfed_entregues knows it by, under the name chave_acesso."""
    state: str
    """The file that says in SQL in what state it is."""


NOTES = Head("notas", "notas_fiscais", "n", "chave_acesso", "state_of_note")
DOCUMENTS = Head("documentos", "dfe_documentos", "x", "identificador", "state_of_document")
HEADS = (NOTES, DOCUMENTS)


class What(StrEnum):
    """What a recipient is given."""

    NOTES = "notas"
    DOCUMENTS = "documentos"
    ALL = "xml"

    @property
    def heads(self) -> tuple[Head, ...]:
        """Where it lies."""
        return {What.NOTES: (NOTES,), What.DOCUMENTS: (DOCUMENTS,), What.ALL: HEADS}[self]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The documents that a recipient is to have."""

    name: str
    what: What
    empresa: str | None
    """CPF or CNPJ, whatever it is in the document."""
    papel: str | None
    since: str | None
    """AAAA-MM-DD hh:mm:ss of the issuer's clock."""
    modelo: str | None
    limit: int
    """Documents in a package."""

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

    async def given(self, delivery: Delivery, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Keys after that one, in their order, each `nova` or `alterada`."""
        ...

    async def settle(self, delivery: Delivery) -> int:
        """Records the states as they are now; how many had changed since."""
        ...

    async def advance(self, delivery: Delivery, step: Step) -> None:
        """Records that it has come so far."""
        ...

    async def close(self) -> None:
        """Lets go of the database."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database says what the statements leave open."""

    backend: Backend
    public: str
    name: str
    number: str
    events: str
    """Joins `v.evento` of a note's events, in their order."""
    keys: str
    """Says that a key is among those that were chosen."""

    def due(self, head: Head, values: Mapping[str, str], limit: str, *, optional: bool) -> str:
        """Finds the keys that are due; `values` chooses them, by the names of `pages.conditions`.

        `optional`: a value that is null chooses nothing.
        """
        known = conditions(subjects()[head.subject], self.backend)
        where = [
            ("({value} is null or " + known[name] + ")" if optional else known[name]).format(
                public=self.public, value=value
            )
            for name, value in values.items()
        ]
        return self._said("due", head, where="\n   and ".join(where) or "true", limit=limit)

    def record(self, head: Head) -> str:
        """Records those that were chosen, and are due."""
        return self._said("record", head, keys=self.keys)

    def settle(self, head: Head) -> str:
        """Records anew those that have changed since."""
        return self._said("settle", head)

    def given(self, after: str, limit: str) -> str:
        """Lists the keys of a delivery."""
        return statement(
            "deliveries/given.sql",
            public=self.public,
            name=self.name,
            number=self.number,
            after=after,
            limit=limit,
        )

    def _said(self, file: str, head: Head, **more: str) -> str:
        state = statement(f"deliveries/{head.state}.sql", public=self.public, events=self.events)
        return statement(
            f"deliveries/{file}.sql",
            public=self.public,
            name=self.name,
            number=self.number,
            head=head.table,
            alias=head.alias,
            key=head.key,
            state=state,
            **more,
        )
