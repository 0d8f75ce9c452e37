"""A kind of event: its stable id in the journal, its sentence, and what the catalog says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from daemon.core.arrival import shown


@dataclass(frozen=True, slots=True)
class Told:
    """What the catalog says in one language."""

    subject: str
    meaning: str
    action: str


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the table of events."""

    message_id: str
    """32 hexadecimal digits, for ever the same: programs ask for MESSAGE_ID=."""
    sentence: str
    """With the entry's fields in braces."""
    en: Told
    pt: Told

    def message(self, fields: Mapping[str, object]) -> str:
        """The sentence about these fields, on one line."""
        text = "".join(
            literal + ("" if name is None else _shown(fields.get(name)))
            for literal, name, _, _ in Formatter().parse(self.sentence)
        )
        return shown(text)


def _shown(value: object) -> str:
    match value:
        case None:
            return "?"
        case list() | tuple():
            return ", ".join(map(str, value))
        case bool() | str():
            return str(value)
        case int():
            return f"{value:,}"
        case _:
            return str(value)
