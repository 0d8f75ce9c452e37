"""Makes text that came from a file or a server harmless to whatever shows it."""

import re

_SURROGATE_OF_A_BYTE = range(0xDC80, 0xDD00)  # as os.fsdecode makes them


def escaped(text: str) -> str:
    """The text on one line, for a terminal, a log, a table or a database.

    What has no shape of its own is written out: line breaks, control characters (U+009B begins a
    terminal's commands), characters that turn or hide what follows (U+202E), spaces that look like
    another; a byte of a file's name that is not UTF-8 as \\xNN.
    """
    return text if text.isprintable() else "".join(map(_escaped, text))


def escaped_lines(text: str) -> str:
    """The same, but line breaks stay."""
    return text if text.isprintable() else "\n".join(map(escaped, text.split("\n")))


def escaped_json(document: str) -> str:
    """A JSON document that says the same, and is harmless to a terminal."""
    return _UNPRINTABLE.sub(lambda found: _json_escape(found[0]), document)


def has_bare_at(url: str) -> bool:
    """Tells whether the URL of a server holds an @ in its user or password that is not written %40.

    Whoever reads such a URL takes the rest of the password for the host, and shows it.
    """
    user, _, rest = url.partition("://")[2].partition("@")
    place, _, query = rest.partition("?")
    named = {each.partition("=")[0] for each in query.split("&") if "@" in each}
    # With a port, readers take all before the last @ for user and password, the host among it.
    is_taken = ":" in place and not re.search("[/?]", user)
    return "@" in place or bool(named - _QUERY_WITH_AT or (named and is_taken))


_QUERY_WITH_AT = frozenset(
    ("user", "password", "passfile", "host", "options", "application_name", "sslrootcert")
) | frozenset(("sslcert", "sslkey", "sslcrl", "sslpassword"))
"""Parameters of libpq's whose values may hold one."""

# All that str.isprintable() says no to, but for the line breaks between a document's parts.
_UNPRINTABLE = re.compile(r"[^\n -~¡-¬®-ͷ]")


def _escaped(character: str) -> str:
    code = ord(character)
    if character.isprintable():
        return character
    if code in _SURROGATE_OF_A_BYTE:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _json_escape(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
