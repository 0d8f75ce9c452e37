"""Regular expressions of XML Schema (XSD 1.0, Part 2, Appendix F): those that official XSDs use."""

import re

from daemon.documents.automaton import Choice, Expression, OneOf, Repeat, Sequence, Unsupported

BEYOND = 256
"""The symbol of every character beyond U+00FF."""
SYMBOLS = BEYOND + 1
"""A text's symbols: its characters up to U+00FF, and BEYOND."""

_ANY = (1 << SYMBOLS) - 1
_DIGITS = 0
for _digit in b"0123456789":
    _DIGITS |= 1 << _digit
_QUANTIFIER = re.compile(r"[?*+]|\{([0-9]+)(,?)([0-9]*)\}")
_SIGNS = {"?": (0, 1), "*": (0, None), "+": (1, None)}
_ESCAPED = "\\|.-^?*+{}()[]/"  # what stands for itself after a backslash
_NO_LITERALS = "?*+{}]"


def pattern(text: str) -> Expression:
    """Raises Unsupported for what the official XSDs do not use, or more than ASCII's digits in \\d.

    What the expression accepts, the pattern allows; of characters that are no ASCII, it may accept
    fewer.
    """
    reader = _Reader(text)
    found = reader.choice()
    if reader.at < len(text):
        raise Unsupported(f"pattern {text!r}, character {reader.at + 1}")
    return found


def literal(text: str) -> Expression:
    """Just this text."""
    return Sequence(tuple(OneOf(_bit(character)) for character in text))


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def choice(self) -> Expression:
        options = [self._sequence()]
        while self._next == "|":
            self.at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    @property
    def _next(self) -> str:
        return self._text[self.at : self.at + 1]

    def _take(self) -> str:
        if not self._next:
            raise Unsupported(f"pattern {self._text!r} ends too early")
        self.at += 1
        return self._text[self.at - 1]

    def _sequence(self) -> Expression:
        parts: list[Expression] = []
        while self._next not in ("", "|", ")"):
            atom = self._atom()
            found = _QUANTIFIER.match(self._text, self.at)
            if found is not None:
                self.at = found.end()
                atom = Repeat(atom, *_counts(found))
            parts.append(atom)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _atom(self) -> Expression:
        character = self._take()
        match character:
            case "(":
                inner = self.choice()
                if self._take() != ")":
                    raise Unsupported(f"pattern {self._text!r} lacks a bracket")
                return inner
            case "[":
                return OneOf(self._class())
            case ".":
                return OneOf(_ANY & ~_bit("\n") & ~_bit("\r"))
            case "\\":
                return OneOf(self._escape())
        if character in _NO_LITERALS:
            raise Unsupported(f"pattern {self._text!r}, character {self.at}")
        return OneOf(_bit(character))

    def _escape(self) -> int:
        character = self._take()
        if character == "d":
            return _DIGITS
        if character in _ESCAPED:
            return _bit(character)
        raise Unsupported(f"pattern {self._text!r} holds \\{character}")

    def _class(self) -> int:
        bits = 0
        while (character := self._take()) != "]":
            if character == "\\":
                bits |= self._escape()
                continue
            if character in "[^":
                raise Unsupported(f"pattern {self._text!r} holds {character} in a class")
            last = character
            if self._next == "-" and self._text[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                last = self._take()
                if last in "[\\" or last < character:
                    raise Unsupported(f"pattern {self._text!r} holds a range to {last}")
            bits |= (_bit(last) << 1) - _bit(character)
        return bits


def _counts(quantifier: re.Match[str]) -> tuple[int, int | None]:
    if quantifier[0] in _SIGNS:
        return _SIGNS[quantifier[0]]
    least = int(quantifier[1])
    if not quantifier[2]:
        return least, least
    return least, int(quantifier[3]) if quantifier[3] else None


def _bit(character: str) -> int:
    if ord(character) >= BEYOND:
        raise Unsupported(f"{character!r} is beyond U+00FF")
    return 1 << ord(character)
