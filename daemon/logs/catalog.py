"""The journal's message catalog, made from the table of events (journalctl -x; catalog(7))."""

from daemon.logs.event import Event, Told
from daemon.logs.events import EVENTS

_HEADINGS = {"en": ("What it means", "What to do"), "pt_BR": ("O que significa", "O que fazer")}


def catalog(language: str) -> str:
    """The catalog's text in `en` or `pt_BR`."""
    return "\n".join(
        _entry(name, each, each.pt if language == "pt_BR" else each.en, language)
        for name, each in EVENTS.items()
    )


def _entry(name: str, event: Event, told: Told, language: str) -> str:
    meaning, action = _HEADINGS[language]
    return f"""# {name}
-- {event.message_id}
Subject: {told.subject}
Defined-By: nfed
Documentation: man:nfed(1)

{meaning}: {told.meaning}

{action}: {told.action}
"""
