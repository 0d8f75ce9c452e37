"""Deterministic automata, of an XSD's patterns and of its content models."""

import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

_MOST_STATES = 4000
_DEAD = 0


class Unsupported(ValueError):
    """An expression that no automaton is made of; who asked does without."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """One symbol of a set."""

    bits: int
    """Bit n is set: symbol n is in the set."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; none of them: nothing at all."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of them."""

    options: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """So many of it, one after the other; `most` None: without end."""

    what: "Expression"
    least: int
    most: int | None


type Expression = OneOf | Sequence | Choice | Repeat


class Automaton(NamedTuple):
    """State 1 is the first, state 0 the one that nothing leads out of."""

    classes: bytes
    """Of each symbol: which column of the table it stands for."""
    next_states: bytes
    """The state after each state (row) and class (column), as unsigned shorts of this machine."""
    accepting: bytes
    """Of each state: whether what was read may end there."""


@cache
def automaton(expression: Expression, symbols: int) -> Automaton:
    """Of an expression over the symbols 0 to `symbols` - 1. Raises Unsupported."""
    parts = _Parts()
    first, last = parts.add(expression)
    classes = _classes(parts.sets, symbols)
    columns_of = {
        bits: [column for column, members in enumerate(classes) if bits & members]
        for bits in parts.sets
    }
    closure = [parts.closure(state) for state in range(len(parts.steps))]
    numbers = {0: _DEAD, closure[first]: 1}
    sets = [0, closure[first]]
    table = array.array("H")
    for states in sets:  # which grows meanwhile
        reached = [0] * len(classes)
        for state in _members(states & parts.stepping):
            for bits, target in parts.steps[state]:
                for column in columns_of[bits]:
                    reached[column] |= closure[target]
        for each in reached:
            if each not in numbers:
                numbers[each] = len(sets)
                sets.append(each)
            table.append(numbers[each])
        if len(sets) > _MOST_STATES:
            raise Unsupported(f"more than {_MOST_STATES} states")
    accepting = bytes(states >> last & 1 for states in sets)
    return Automaton(_numbers(classes, symbols), table.tobytes(), accepting)


class _Parts:
    """The expression as states with steps between them (Thompson's construction)."""

    def __init__(self) -> None:
        self.steps: list[list[tuple[int, int]]] = []
        """By state: the symbols of a step, as bits, and where it leads."""
        self.stepping = 0
        """The states with steps, as bits."""
        self.sets: set[int] = set()
        """Of symbols."""
        self._free: list[list[int]] = []
        """By state: where one is without a symbol."""

    def add(self, expression: Expression) -> tuple[int, int]:
        """Its first and its last state."""
        match expression:
            case OneOf(bits):
                first, last = self._state(), self._state()
                self.steps[first].append((bits, last))
                self.stepping |= 1 << first
                self.sets.add(bits)
            case Sequence(parts):
                first = last = self._state()
                for part in parts:
                    begin, end = self.add(part)
                    self._free[last].append(begin)
                    last = end
            case Choice(options):
                first, last = self._state(), self._state()
                for option in options:
                    begin, end = self.add(option)
                    self._free[first].append(begin)
                    self._free[end].append(last)
            case Repeat(what, least, most):
                first = last = self._state()
                for _ in range(least):
                    last = self._follow(last, what)
                if most is None:
                    begin, end = self.add(what)
                    self._free[last].append(begin)
                    self._free[end].append(last)
                else:
                    skips = [last]
                    for _ in range(most - least):
                        last = self._follow(last, what)
                        skips.append(last)
                    for state in skips[:-1]:
                        self._free[state].append(last)
        return first, last

    def closure(self, state: int) -> int:
        """Where one is without a symbol, as bits."""
        reached, to_do = 1 << state, [state]
        while to_do:
            for each in self._free[to_do.pop()]:
                if not reached >> each & 1:
                    reached |= 1 << each
                    to_do.append(each)
        return reached

    def _follow(self, state: int, what: Expression) -> int:
        begin, end = self.add(what)
        self._free[state].append(begin)
        return end

    def _state(self) -> int:
        if len(self.steps) == _MOST_STATES:
            raise Unsupported(f"more than {_MOST_STATES} states")
        self.steps.append([])
        self._free.append([])
        return len(self.steps) - 1


def _classes(sets: set[int], symbols: int) -> list[int]:
    """The symbols in as few sets as can be, so that those of one are in the same of `sets`.

    The first of them is the largest.
    """
    classes = [(1 << symbols) - 1] if symbols else []
    for bits in sets:
        split = [(members & bits, members & ~bits) for members in classes]
        classes = [members for pair in split for members in pair if members]
    return sorted(classes, key=int.bit_count, reverse=True)


def _numbers(classes: list[int], symbols: int) -> bytes:
    """By symbol, the number of its class."""
    numbers = bytearray(symbols)
    for number, members in enumerate(classes[1:], 1):
        for symbol in _members(members):
            numbers[symbol] = number
    return bytes(numbers)


def _members(states: int) -> Iterator[int]:
    while states:
        lowest = states & -states
        yield lowest.bit_length() - 1
        states ^= lowest
