"""Puts what nfed has to say to people into their language: English, or Portuguese of Brazil.

A `Message` is a sentence and what it was made of: a template in English, which is its msgid, and
named facts. It is a str, its English, so whoever only hands text on need not know of it: logs, the
ledger's `error` and exceptions keep English. Where a message is kept (the ledger, error.json) its
template and facts are kept beside the English; where it is shown, `word` puts it into the
language that is asked for: a command's by the setting or the locale, HTTP's by Accept-Language.

There is one catalogue, `locale/pt_BR/LC_MESSAGES/nfed.po`, for errors, advice, warnings, commands
and their help; `po` makes the .mo of it that the standard library's gettext reads, when nfed is
built. `python -m tools.catalogue` brings the .po up to date with the sources, and a test says which
sentence has no Portuguese.

The room translates no code, no name of a field, setting or element, and nothing of a log. What a
library or the system says comes through as a fact, in its own words.
"""

from nfed.words.catalogue import Language, choose, said, speak, spoken, template_of, word
from nfed.words.foreign import recognise
from nfed.words.message import Fact, Message, listed

__all__ = [
    "Fact",
    "Language",
    "Message",
    "choose",
    "listed",
    "recognise",
    "said",
    "speak",
    "spoken",
    "template_of",
    "word",
]
