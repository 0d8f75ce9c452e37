"""Names the versions of the main database's schema, and tells how a database stands to them.

There is no history of steps. What a database lacks is worked out from the layout and from the
database itself: `sqlite/schema` asks sqlite_master, `postgres/plan` the catalogue. Both add, widen
and relax, nothing else, and find nothing to do in a database that has it all. So every older one
comes to the newest in one go, by the same road whatever version it had.

A version is a name in VERSIONS, which a migration writes into the table nfed_schema_version. It
says when there is something to look for, and that a newer nfed was here, whose database is left
alone. Whoever adds a column, an index or a view, or changes a function, adds a name at the end.
"""

from dataclasses import dataclass

from nfed.words import Message

VERSION_TABLE = "nfed_schema_version"
VERSIONS = ("0001", "0002", "0003", "0004")
"""All of them, the oldest first. Databases hold these: none is ever renamed or taken out."""
NEWEST = VERSIONS[-1]


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Where a database's schema stands; None: no nfed schema in it yet."""

    current: str | None
    newest: str
    known: bool
    """False for a version that this nfed has never heard of: a newer one wrote it."""

    @property
    def is_newest(self) -> bool:
        """Nothing to migrate."""
        return self.current == self.newest


def state_of(current: str | None) -> SchemaState:
    """Tells what a version is to this nfed."""
    return SchemaState(current, NEWEST, current is None or current in VERSIONS)


def newer(name: str, state: SchemaState) -> Message:
    """Says that this nfed does not know a database's schema."""
    return Message(
        "database {name} has schema {current}, newer than this nfed knows ({newest}); upgrade nfed",
        name=name,
        current=state.current,
        newest=state.newest,
    )
