"""Answers in the language that a client asks for by Accept-Language; English where it does not."""

from fastapi import Request

from nfed.words import Language, Message, word

_MOST = 20
VARY = {"Vary": "Accept-Language"}


def language_of(request: Request) -> Language:
    """The most wished-for of our languages (RFC 9110, 12.5.4)."""
    wishes: list[tuple[float, int, str]] = []
    for place, wish in enumerate(request.headers.get("accept-language", "").split(",")[:_MOST]):
        name, _, rest = wish.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if weight > 0:
            wishes.append((-weight, place, name.strip().lower()))
    for _, _, name in sorted(wishes):
        if name.partition("-")[0] == "pt":
            return Language.PORTUGUESE
        if name.partition("-")[0] == "en":
            return Language.ENGLISH
    return Language.ENGLISH


def worded(value: object, language: Language) -> object:
    """A value for JSON with its messages in words; keys and codes stay as they are."""
    match value:
        case Message():
            return word(value, language)
        case dict():
            return {name: worded(each, language) for name, each in value.items()}
        case list() | tuple():
            return [worded(each, language) for each in value]
        case _:
            return value
