"""Words messages in English or Portuguese, by the one catalogue of gettext."""

import gettext
import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from nfed.words.message import Message

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "nfed"
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Of the locale of messages, the strongest first (POSIX, XBD 8.2)."""
_DECIMAL = str.maketrans(",.", ".,")


class Language(StrEnum):
    """The languages that nfed speaks, as BCP 47 names them."""

    ENGLISH = "en"
    PORTUGUESE = "pt-BR"


def choose(setting: str | None = None, environ: Mapping[str, str] | None = None) -> Language:
    """The language of the setting; where that is silent, of the locale."""
    named = setting
    if not named:
        variables = os.environ if environ is None else environ
        named = next((variables[name] for name in _VARIABLES if variables.get(name)), "")
    is_portuguese = named.lower().startswith("pt")
    return Language.PORTUGUESE if is_portuguese else Language.ENGLISH


_spoken = Language.ENGLISH


def speak(language: Language) -> None:
    """Makes it the language of this process's commands."""
    global _spoken
    _spoken = language


def spoken() -> Language:
    """The language of this process's commands."""
    return _spoken


def word(text: str, language: Language | None = None) -> str:
    """Puts a message into words; other text is a sentence without facts, or comes back as it is.

    `language` is this process's where it is None.
    """
    language = _spoken if language is None else language
    if language is Language.ENGLISH:
        return str.__str__(text)
    if not isinstance(text, Message):
        return _portuguese().gettext(text) if text else text
    if text.many is None:
        template = _portuguese().gettext(text.template)
    else:
        template = _portuguese().ngettext(text.template, text.many, int(text.facts["count"] or 0))
    try:
        return _PORTUGUESE.vformat(template, (), text.facts)
    except (KeyError, ValueError, InvalidOperation):  # kept by another version, which had others
        return str.__str__(text)


def template_of(one: str, many: str | None, number: int, language: Language) -> str:
    """A sentence in the language, without its facts, for whoever writes those itself."""
    if language is Language.ENGLISH:
        return one if many is None or number == 1 else many
    return _portuguese().gettext(one) if many is None else _portuguese().ngettext(one, many, number)


def said(template: str, many: str | None = None, /, **facts: object) -> str:
    """A message that is put into words at once, in this process's language."""
    return word(Message(template, many, **facts))


@cache
def _portuguese() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, ["pt_BR"])


class _Portuguese(Formatter):
    """Formats as Brazil writes: 1.234,50. The template may ask for `,.2f` of an amount in text.

    The fact `strerror` is a sentence of the operating system, of which the catalogue has some.
    """

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        value = kwargs[field_name]
        if field_name == "strerror" and isinstance(value, str):
            value = word(value, Language.PORTUGUESE)
        return value, field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Message):
            return word(value, Language.PORTUGUESE)
        if isinstance(value, str) and format_spec.endswith("f"):
            value = Decimal(value)
        shown = format(value, format_spec)
        is_number = format_spec and isinstance(value, int | float | Decimal)
        return shown.translate(_DECIMAL) if is_number else shown


_PORTUGUESE = _Portuguese()
