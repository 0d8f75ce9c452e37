"""Knows sentences that a library says, so that they can be translated."""

import errno
import os
import re
from functools import cache
from string import Formatter

from nfed.words.message import Message

SYSTEM = tuple(
    os.strerror(each)
    for each in (
        *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EROFS, errno.ENOTDIR),
        *(errno.EISDIR, errno.EIO, errno.EBUSY, errno.ELOOP, errno.ENAMETOOLONG, errno.EXDEV),
        *(errno.EMFILE, errno.EDQUOT, errno.ENOTCONN, errno.ESTALE, errno.EEXIST, errno.EINVAL),
        *(errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.ECONNREFUSED, errno.ETIMEDOUT),
    )
)
"""What the operating system says most."""


def recognise(text: str, templates: tuple[str, ...]) -> str:
    """The message of the first template that could have said this; else the text as it is.

    Each of a template's facts stands for any text; one that is a known sentence is a message, too.
    """
    for template, form in _forms(templates):
        found = form.fullmatch(text)
        if found is not None:
            facts = {name: recognise(fact, templates) for name, fact in found.groupdict().items()}
            return Message(template, **facts)
    return text


@cache
def _forms(templates: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((each, re.compile(_form_of(each), re.DOTALL)) for each in templates)


def _form_of(template: str) -> str:
    form = ""
    for text, name, _spec, _conversion in Formatter().parse(template):
        form += re.escape(text)
        form += "" if name is None else f"(?P<{name}>.*?)"
    return form
