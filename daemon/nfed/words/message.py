"""Message: a sentence in English that remembers its template and its facts."""

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Self

type Fact = str | int | float | None
"""A name, a number, or a message inside the message."""

_SPECS = frozenset({"", ",", "d", ".0f", ".1f", ".2f", ",.2f"})


class Message(str):
    """A sentence for people; as a str it is its English.

    `Message("{count} file waits", "{count} files wait", count=2)` has a plural, chosen by `count`.
    """

    __slots__ = ("facts", "many", "template")
    template: str
    many: str | None
    facts: dict[str, Fact]

    def __new__(cls, template: str, many: str | None = None, /, **facts: object) -> Self:
        """Facts that are neither text nor number are kept as their text."""
        kept = {name: _fact(value) for name, value in facts.items()}
        chosen = template if many is None or kept["count"] == 1 else many
        self = super().__new__(cls, chosen.format(**kept))
        self.template, self.many, self.facts = template, many, kept
        return self

    def __str__(self) -> str:
        """Itself, so that str() of an exception gives the message that it was raised with."""
        return self

    def __reduce__(self) -> tuple[Callable[..., "Message"], tuple[object, ...]]:
        """From a worker to its daemon."""
        return _made, (self.template, self.many, self.facts)

    def to_json(self) -> dict[str, object]:
        """As the ledger and error.json keep it."""
        facts = {
            name: fact.to_json() if isinstance(fact, Message) else fact
            for name, fact in self.facts.items()
        }
        kept: dict[str, object] = {"message": self.template, "facts": facts}
        return kept if self.many is None else {**kept, "many": self.many}

    @classmethod
    def from_json(cls, kept: object) -> Self | None:
        """The reverse; None for what is no message. Nobody vouches for what a file holds."""
        if not isinstance(kept, Mapping):
            return None
        template, many, facts = kept.get("message"), kept.get("many"), kept.get("facts")
        if not isinstance(template, str) or not isinstance(facts, Mapping):
            return None
        restored: dict[str, object] = {}
        for name, value in facts.items():
            fact = cls.from_json(value) if isinstance(value, Mapping) else value
            if not isinstance(fact, str | int | float | None) or not isinstance(name, str):
                return None
            restored[name] = fact
        try:
            for text in filter(None, (template, many)):
                _check(text, restored)
            return cls(template, many, **restored)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return None

    def shortened(self, most: int) -> "Message":
        """The same with its longest facts cut, where it has more characters than `most`."""
        if len(self) <= most:
            return self
        each = max(most // (2 * max(len(self.facts), 1)), 20)
        cut = {name: _cut(fact, each) for name, fact in self.facts.items()}
        return Message(self.template, self.many, **cut)


def listed(messages: Sequence[str]) -> Message:
    """One message of several."""
    if len(messages) == 1:
        return Message("{first}", first=messages[0])
    first, *rest = messages
    return Message("{first}; {rest}", first=first, rest=listed(rest))


def _made(template: str, many: str | None, facts: dict[str, Fact]) -> Message:
    return Message(template, many, **facts)


def _fact(value: object) -> Fact:
    if value is None or type(value) in (str, int, float, Message):
        return value  # type: ignore[return-value]  # just checked, without isinstance's subclasses
    text = str(value)
    return text if isinstance(text, Message) else str.__str__(text)


def _cut(fact: Fact, most: int) -> Fact:
    if isinstance(fact, Message):
        return fact.shortened(most)
    return f"{fact[:most]}..." if isinstance(fact, str) and len(fact) > most else fact


def _check(template: str, facts: Mapping[str, object]) -> None:
    """Raises ValueError for what asks for more than a fact: an attribute, or endless padding."""
    for _, name, spec, _conversion in Formatter().parse(template):
        if name is not None and (name not in facts or spec not in _SPECS):
            raise ValueError(f"{template!r} asks for {name!r} as {spec!r}")
