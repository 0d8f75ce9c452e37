"""Masks what must never appear in a log: CPFs outside a key, credentials, document bodies."""

import re
from collections.abc import Collection
from dataclasses import replace

from nfed.documents.checks.key import has_right_digits
from nfed.logs.entry import Entry

_MOST_CHARACTERS = 2000  # of one field; a traceback may have more
_MOST_OF_A_TRACEBACK = 20_000
_MASK = "***"

# A key (44 characters: 6 digits, 12 of the CNPJ, which may hold letters, 26 digits) stays whole.
# Eleven digits are taken for a CPF whether or not its check digits are right: a refused document
# is just where they are wrong. With zeros before it, as where a CNPJ is asked for, a CPF is known
# by its check digits alone. \d also means the digits of other scripts.
_CPF = r"\d{3}[. ]?\d{3}[. ]?\d{3}[-/ ]?\d{2}"
_CPF_OR_KEY = re.compile(
    r"(?P<key>(?<!\d)\d{6}[0-9A-Z]{12}\d{26}(?!\d))"
    rf"|(?<!\d)(?:(?P<padded>0+{_CPF}|00\.0\d\d\.\d{{3}}/\d{{4}}-\d\d)|{_CPF})(?!\d)"
)
_URL_PASSWORD = re.compile(r"(?P<who>[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@]*:)[^\s/]+@")
_NAMED_SECRET = re.compile(
    r"(?i)(?P<name>\b(?:password|passwd|pwd|senha|apikey|api[-_]key|secret|token|authorization)"
    r"[\"']?\s*[=:]\s*[\"']?)(?:bearer\s+|basic\s+)?[^\s\"'&,;]+"
)
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.?[\w-]*|\bsb_secret_[\w-]+")
# PostgreSQL shows the row that broke a constraint, SQLAlchemy the parameters: both are documents.
_BODY = re.compile(r"(?s)(<\?xml|Failing row contains \(|\[parameters: ).*")


class Mask:
    """Makes an entry fit to be shown."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        known = sorted({each for each in secrets if each}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, entry: Entry) -> Entry:
        """The entry with its texts masked; numbers, times and the event's own name stay."""
        return replace(
            entry,
            event=self.text(entry.event),
            fields={name: self._value(name, value) for name, value in entry.fields.items()},
        )

    def _value(self, name: str, value: object) -> object:
        match value:
            case None | bool() | int() | float():
                return value
            case list() | tuple() | set() | frozenset():
                return [self._value(name, each) for each in value]
            case dict():
                return {str(key): self._value(str(key), each) for key, each in value.items()}
            case _:
                most = _MOST_OF_A_TRACEBACK if name == "exception" else _MOST_CHARACTERS
                return self.text(str(value), most)

    def text(self, text: str, most_characters: int = _MOST_CHARACTERS) -> str:
        """The text without what must not be shown, cut where it is too long."""
        if self._secrets is not None:
            text = self._secrets.sub(_MASK, text)
        text = _BODY.sub(lambda body: f"{body[1]}…", text)
        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\g<who>{_MASK}@", text)
        text = _NAMED_SECRET.sub(rf"\g<name>{_MASK}", text)
        text = _TOKEN.sub(_MASK, text)
        text = _CPF_OR_KEY.sub(_without_cpf, text)
        return text if len(text) <= most_characters else f"{text[:most_characters]}…"


def _without_cpf(found: re.Match[str]) -> str:
    if found["key"]:
        return found["key"]
    if found["padded"]:
        digits = "".join(str(int(each)) for each in found[0] if each.isdecimal())
        is_cnpj = len(digits) == 14 and has_right_digits(digits)
        return found[0] if is_cnpj or not has_right_digits(digits[-11:]) else _MASK
    return _MASK
