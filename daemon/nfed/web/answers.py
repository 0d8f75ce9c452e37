"""Makes a page of a template, and the headers that keep a browser from anything else."""

from collections.abc import Mapping
from functools import cache
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nfed import __version__
from nfed.core.escape import escaped_lines
from nfed.web import assets
from nfed.web.marks import mark_of
from nfed.web.speech import LANGUAGES, Speech, key_in_fours, language_of, speech_in, tax_number

LANGUAGE_COOKIE = "nfed_language"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

SCREENS = (
    ("now", "/", "Now"),
    ("refused", "/painel/recusados", "Refused"),
    ("notes", "/painel/notas", "Notes"),
    ("documents", "/painel/documentos", "Documents"),
    ("summary", "/painel/resumo", "Summary"),
    ("jobs", "/painel/trabalhos", "Jobs"),
    ("config", "/painel/configuracao", "Settings"),
    ("help", "/painel/ajuda", "Help"),
)
"""The screens in the order of the menu: name, address, label."""
NOTICES = {
    "enviados": ("{count} file was handed in.", "{count} files were handed in."),
    "tentados": (
        "{count} file is back in the folder and is read again.",
        "{count} files are back in the folder and are read again.",
    ),
    "dispensados": (
        "{count} file was moved to failed/dismissed/.",
        "{count} files were moved to failed/dismissed/.",
    ),
}


def page(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A template's page, in the reader's language."""
    speech = speech_of(request)
    visitor = getattr(request.state, "visitor", None)
    shown = {
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "screen": "",
        "visitor": visitor,
        "notice": _notice(speech, request.query_params.get("aviso", "")),
    }
    text = _environment(speech.language).get_template(template).render(shown | values)
    return HTMLResponse(text, status, dict(HEADERS))


def _notice(speech: Speech, said: str) -> Markup | None:
    """What a form has done, which its redirect says as `enviados-3`."""
    name, _, number = said.partition("-")
    if name not in NOTICES or not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    one, many = NOTICES[name]
    return speech.count(one, many, int(number))


def see(address: str, **query: str) -> RedirectResponse:
    """Sends the browser on, after a form."""
    to = f"{address}?{urlencode(query)}" if query else address
    return RedirectResponse(to, 303, dict(HEADERS))


def speech_of(request: Request) -> Speech:
    """The reader's language."""
    cookie = request.cookies.get(LANGUAGE_COOKIE)
    return speech_in(language_of(cookie, request.headers.get("accept-language", "")))


@cache
def _environment(language: str) -> Environment:
    speech = speech_in(language)
    environment = Environment(
        loader=PackageLoader("nfed.web"),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "_": speech.say,
        "n_": speech.count,
        "asset": assets.address,
        "language": language,
        "languages": LANGUAGES,
        "screens": SCREENS,
        "version": __version__,
    }
    environment.filters |= {
        "number": speech.number,
        "money": speech.money,
        "moment": speech.moment,
        "day": speech.day,
        "month": speech.month,
        "clock": speech.clock,
        "size": speech.size,
        "span": speech.span,
        "tax_number": tax_number,
        "in_fours": key_in_fours,
        "mark": mark_of,
        "known": speech.known,
    }
    return environment


def _harmless(value: object) -> object:
    """Writes out control characters and what turns text around; markup of ours stays."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escaped_lines(value)
    return value


def told(values: Mapping[str, object]) -> str:
    """A query, without what is empty, to put behind a `?`."""
    return urlencode({name: value for name, value in values.items() if value not in (None, "")})
