"""Speaks the reader's language: words, numbers, money, dates, sizes and spans of time."""

import math
from datetime import datetime
from functools import cache

from markupsafe import Markup, escape

from nfed.core.escape import escaped
from nfed.words import Language, template_of, word

PORTUGUESE, ENGLISH = Language.PORTUGUESE.value, Language.ENGLISH.value
LANGUAGES = {PORTUGUESE: "Português", ENGLISH: "English"}
_UNITS = ("B", "kB", "MB", "GB", "TB")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CNPJ, _CPF, _CHAVE = 14, 11, 44


class Speech:
    """One language. What is written is text, except what `say` gives: that is safe in HTML."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._words = Language(language)
        self._point, self._comma = (",", ".") if language == PORTUGUESE else (".", ",")

    def text(self, message: str, **fields: object) -> str:
        """A message about these fields, as plain text; numbers are written as the language does."""
        words = template_of(message, None, 1, self._words)
        return words.format(**{name: self._shown(value) for name, value in fields.items()})

    def known(self, text: object) -> str:
        """A message that others made, in this language where the catalogue has it."""
        return word(text if isinstance(text, str) else str(text), self._words)

    def say(self, message: str, **fields: object) -> Markup:
        """The same, for a page."""
        return escape(self.text(message, **fields))

    def count(self, one: str, many: str, number: int, **fields: object) -> Markup:
        """One message or the other; both may name {count}."""
        chosen = template_of(one, many, number, self._words)
        shown = {name: self._shown(value) for name, value in fields.items()}
        return escape(chosen.format(count=self.number(number), **shown))

    def number(self, value: object, places: int | None = None) -> str:
        """A number, or the exact text of one: 1234.5 is 1.234,5 in Portuguese."""
        text = str(value)
        if places is not None:
            text = f"{float(text):.{places}f}"
        digits, point, rest = text.partition(".")
        sign = digits[:1] if digits[:1] == "-" else ""
        digits = digits.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            return text
        groups = f"{int(digits):,}".replace(",", self._comma)
        return f"{sign}{groups}{self._point if point else ''}{rest}"

    def money(self, value: object) -> str:
        """Reais, at least two places: 1.234,50."""
        if value is None or value == "":
            return ""
        whole, _, cents = str(value).partition(".")
        if not whole.removeprefix("-").isdigit():
            return str(value)
        return self.number(f"{whole}.{cents:<02}")

    def moment(self, value: datetime | str | None) -> str:
        """Day and time by the clock that it names: 30/11/2026 12:01."""
        if value is None or value == "":
            return ""
        when = _moment(value)
        return str(value) if when is None else f"{self.day(when)} {when:%H:%M}"

    def day(self, value: datetime | str | None) -> str:
        """The day alone: 30/11/2026."""
        if value is None or value == "":
            return ""
        when = _moment(value)
        if when is None:
            return str(value)
        if self.language == PORTUGUESE:
            return f"{when:%d/%m/%Y}"
        return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"

    def month(self, value: str) -> str:
        """A month, of AAAA-MM: 11/2026."""
        year, _, number = value.partition("-")
        if not (number.isascii() and number.isdigit() and 0 < int(number) <= len(_MONTHS)):
            return value
        if self.language == PORTUGUESE:
            return f"{number}/{year}"
        return f"{_MONTHS[int(number) - 1]} {year}"

    def clock(self, value: datetime | str | None) -> str:
        """The time alone, with seconds: 12:01:59."""
        when = _moment(value) if value else None
        return str(value or "") if when is None else f"{when:%H:%M:%S}"

    def size(self, size_bytes: float) -> str:
        """Bytes, three digits of them: 12,3 kB."""
        power = 0
        while size_bytes >= 999.5 and power < len(_UNITS) - 1:
            size_bytes /= 1000
            power += 1
        places = 0 if power == 0 or size_bytes >= 99.95 else 1
        return f"{self.number(size_bytes, places)} {_UNITS[power]}"

    def span(self, seconds: float) -> str:
        """A time's length, in its largest two units: 3 min 12 s."""
        if not math.isfinite(seconds):
            return "—"
        whole = max(0, round(seconds))
        if whole == 0 and seconds > 0:
            return f"{self.number(seconds, 1)} s"
        parts = []
        for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
            if whole >= length:
                parts.append(f"{self.number(whole // length)} {unit}")
                whole %= length
        return " ".join(parts[:2]) or "0 s"

    def _shown(self, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return value
        return escaped(value) if isinstance(value, str) else self.number(value)


@cache
def speech_in(language: str) -> Speech:
    """The one Speech of a language."""
    return Speech(language)


def language_of(cookie: str | None, accepted: str) -> str:
    """Chooses by the reader's own switch, then by Accept-Language; Portuguese when unsure."""
    if cookie in LANGUAGES:
        return str(cookie)
    wishes = []
    for place, wish in enumerate(accepted.split(",")[:20]):
        name, _, rest = wish.strip().partition(";")
        weight = rest.strip().removeprefix("q=") or "1"
        try:
            wishes.append((-float(weight), place, name.lower()))
        except ValueError:
            continue
    for _, _, name in sorted(wishes):
        if name == "pt" or name.startswith("pt-"):
            return PORTUGUESE
        if name == "en" or name.startswith("en-"):
            return ENGLISH
    return PORTUGUESE


def tax_number(value: object) -> str:
    """A CNPJ or CPF with its punctuation; anything else as it is."""
    text = "" if value is None else str(value)
    if len(text) == _CNPJ and text.isalnum():
        return f"{text[:2]}.{text[2:5]}.{text[5:8]}/{text[8:12]}-{text[12:]}"
    if len(text) == _CPF and text.isdigit():
        return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"
    return text


def key_in_fours(chave: str) -> str:
    """A key as a DANFE prints it, in groups of four."""
    if len(chave) != _CHAVE:
        return chave
    return " ".join(chave[at : at + 4] for at in range(0, _CHAVE, 4))


def _moment(value: datetime | str) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
