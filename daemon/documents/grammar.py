"""What an XSD allows, as tables of automata, by which `tree.Grammar` finds a document valid.

libxml2 needs for that a fifth of the time that reading a note takes. A Grammar knows what official
XSDs are made of, says of nearly every note that it is valid, and never that one is not: whatever
it does not know, or finds wrong, libxml2 is asked about (`schema`). `xsd` makes the tables.
"""

from dataclasses import dataclass

from daemon.documents.automaton import Automaton

NOT_KNOWN = -1
_NO_TEXT = -2
_ANY_NUMBER = -1

type Name = tuple[str, str]
"""Namespace and local name."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a text or an attribute's value may be."""

    collapses: bool = False
    """Blanks at its ends and double ones do not count: such a text is left to libxml2."""
    least: int = 0  # characters
    most: int | None = None
    is_id: bool = False
    """No two of a document may be alike."""
    is_base64: bool = False
    """Its length is that of what it stands for."""
    automata: tuple[Automaton, ...] = ()
    """All must accept it."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One without a namespace."""

    name: str
    text: int
    required: bool


@dataclass(frozen=True, slots=True)
class Child:
    """An element in another's content, a symbol of its automaton."""

    name: Name
    type: int
    most: int | None
    """No more of them than that, where the automaton allows any number."""


@dataclass(frozen=True, slots=True)
class Type:
    """What an element may hold. Numbers stand for places in Tables; NOT_KNOWN for none."""

    attributes: tuple[Attribute, ...] = ()
    text: int | None = None
    """None: no text but blanks."""
    content: Automaton | None = None
    """None: no elements."""
    children: tuple[Child, ...] = ()
    unique: str | None = None
    """An attribute that no two children may have the same value of."""


@dataclass(frozen=True, slots=True)
class Tables:
    """An XSD."""

    roots: dict[Name, int]
    types: list[Type | None]
    """None: it is not known what it may hold."""
    texts: list[Text]

    def packed(self) -> tuple[tuple[object, ...], tuple[object, ...], tuple[object, ...]]:
        """For `tree.Grammar`: roots, types, texts."""
        return (
            tuple((*name, number, _ANY_NUMBER) for name, number in self.roots.items()),
            tuple(None if each is None else _packed_type(each) for each in self.types),
            tuple(_packed_text(each) for each in self.texts),
        )


def _packed_type(made: Type) -> tuple[object, ...]:
    return (
        tuple((each.name, each.text, each.required) for each in made.attributes),
        _NO_TEXT if made.text is None else made.text,
        made.content,
        tuple(
            (*each.name, each.type, _ANY_NUMBER if each.most is None else each.most)
            for each in made.children
        ),
        made.unique,
    )


def _packed_text(text: Text) -> tuple[object, ...]:
    return (
        text.collapses,
        text.least,
        _ANY_NUMBER if text.most is None else text.most,
        text.is_id,
        text.automata,
    )
