"""Serves Recusados: refused files by cause, each with its reason, and what can be done about it."""

import asyncio
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from nfed.api.problems import Problem
from nfed.core.escape import escaped
from nfed.documents.xml.parse import parse
from nfed.errors import DocumentError
from nfed.intake.folder import FAILED
from nfed.intake.refused import dismiss
from nfed.web.access import Looking, Operating, acted
from nfed.web.answers import HEADERS, page, see
from nfed.web.causes import sentence_of
from nfed.web.login import form_of
from nfed.web.marks import mark_of, name_of
from nfed.web.place import Here, Place
from nfed.web.refusals import Group, Refusal, reason_of
from nfed.web.routes import ScreenRoute
from nfed.web.trials import CURES
from nfed.words import Message

HOME = "/painel/recusados"
_PAGE = 50
_PATIENCE_SECONDS = 3.0
_MOST_SHOWN_BYTES = 2_000_000
_AROUND_LINES = 8
_AROUND_COLUMNS = 220
_AT = re.compile(r"\bline (\d+)(?:, column (\d+))?")
_PATH = re.compile(r"<([A-Za-z][\w]*(?:/[A-Za-z][\w]*)*)>")

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The lines of a file around what is wrong."""

    lines: Sequence[tuple[int, str, bool]]
    """Number, text, and whether it is the one."""
    cut: bool
    """The file has more."""
    marked: bool


@router.get(HOME)
async def groups(request: Request, here: Here, visitor: Looking) -> Response:
    """The causes, the most frequent first."""
    seen = await here.refusals.seen()
    return page(
        request, "refused.html", screen="refused", seen=seen, sentence=sentence_of, home=HOME
    )


@router.get(f"{HOME}/{{cause}}")
async def group(
    request: Request,
    here: Here,
    visitor: Looking,
    cause: str,
    depois: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """The files of one cause, a page of them."""
    found = await _group(here, cause)
    files = _after(found.files, depois)
    shown = files[:_PAGE]
    return page(
        request,
        "refused_group.html",
        screen="refused",
        group=found,
        files=shown,
        first=not depois,
        more=_place(shown[-1]) if len(files) > _PAGE else "",
        sentence=sentence_of,
        trial=here.trials.of(cause),
        cures=CURES,
        in_force=here.settings,
        home=HOME,
    )


@router.get(f"{HOME}/{{cause}}/ensaio")
async def trial(request: Request, here: Here, visitor: Looking, cause: str) -> Response:
    """How far the trial has come."""
    return page(
        request,
        "refused_trial.html",
        cause=cause,
        trial=here.trials.of(cause),
        sentence=sentence_of,
        home=HOME,
    )


@router.post(f"{HOME}/{{cause}}/ensaio")
async def try_out(request: Request, here: Here, visitor: Operating, cause: str) -> Response:
    """Reads all files of a cause as other settings would have them; moves none."""
    form = await form_of(request)
    changed = {}
    for name in CURES:
        value = form.get(name, [""])[0]
        if value and value != getattr(here.settings, name):
            if value not in ("off", "warn", "refuse"):
                raise Problem(422, Message("{name}: expected off, warn or refuse", name=name))
            changed[name] = value
    found = await _group(here, cause)
    here.trials.begin(cause, [each.name for each in found.files], changed)
    return see(f"{HOME}/{quote(cause)}#ensaio")


@router.post(HOME)
async def act(request: Request, here: Here, visitor: Operating) -> Response:
    """Puts files back, or sets them aside: those that are ticked, or all of a cause."""
    form = await form_of(request)
    action = form.get("acao", [""])[0]
    cause = form.get("grupo", [""])[0]
    which = form.get("quais", ["marcados"])[0]
    if action not in ("tentar", "dispensar"):
        raise Problem(422, Message("expected acao as tentar or dispensar"))
    if which == "todos":
        names = [each.name for each in (await _group(here, cause)).files]
    elif which == "aceitos":
        trial = here.trials.of(cause)
        lying = {each.name for each in (await _group(here, cause)).files}
        names = [] if trial is None else [each for each in trial.accepted_names if each in lying]
    else:
        names = [name_of(mark) for mark in form.get("arquivo", [])]
    if not names:
        raise Problem(422, Message("no file is ticked"))
    try:
        if action == "tentar":
            job_id, count = await here.api.engine.retry(names)
            acted(visitor, "retry", files=names, job_id=job_id)
        else:
            count = await asyncio.to_thread(dismiss, here.api.folder, names)
            acted(visitor, "dismiss", files=names)
    except KeyError:
        raise Problem(404, Message("a file is no longer there: somebody was quicker")) from None
    notice = "tentados" if action == "tentar" else "dispensados"
    left = await here.refusals.seen()
    back = f"{HOME}/{quote(cause)}" if cause and left.group(cause) is not None else HOME
    return see(back, aviso=f"{notice}-{count}")


@router.get("/painel/recusado/{mark}")
async def one(request: Request, here: Here, visitor: Looking, mark: str) -> Response:
    """One file: reason, advice, warnings, and its text where it is wrong."""
    name = name_of(mark)
    said, size, excerpt = await asyncio.to_thread(_read, here, name)
    error_type, code = str(said.get("error_type") or "Unknown"), str(said.get("code") or "")
    return page(
        request,
        "refused_one.html",
        screen="refused",
        name=name,
        size=size,
        said=said,
        warnings=[each for each in _list(said.get("warnings")) if isinstance(each, dict)],
        sentence=sentence_of(error_type, code),
        cause=f"{error_type}.{code}" if code else error_type,
        excerpt=excerpt,
        home=HOME,
    )


@router.get("/painel/recusado/{mark}/arquivo")
async def download(here: Here, visitor: Looking, mark: str) -> Response:
    """The file itself."""
    name = name_of(mark)
    content = await asyncio.to_thread(_bytes, here, name, None)
    shown = quote(escaped(name), safe="")
    return Response(
        content,
        media_type="application/octet-stream",
        headers={**HEADERS, "Content-Disposition": f"attachment; filename*=UTF-8''{shown}"},
    )


async def _group(here: Place, cause: str) -> Group:
    seen = await here.refusals.seen()
    if seen.group(cause) is None and seen.unread:
        seen = await here.refusals.seen(_PATIENCE_SECONDS)
    found = seen.group(cause)
    if found is None and seen.unread:
        raise Problem(503, Message("the reasons of the refused files are still being read"))
    if found is None:
        raise Problem(404, Message("no refused file has this cause any more"))
    return found


def _after(files: Sequence[Refusal], place: str) -> Sequence[Refusal]:
    """The files behind this place; the first ones without it."""
    if not place:
        return files[: _PAGE + 1]
    at, _, mark = place.partition("~")
    wanted = (at, name_of(mark))
    low, high = 0, len(files)
    while low < high:  # they are sorted the newest first, so bisect does not fit
        middle = (low + high) // 2
        low, high = (middle + 1, high) if files[middle].place >= wanted else (low, middle)
    return files[low : low + _PAGE + 1]


def _place(refusal: Refusal) -> str:
    return f"{refusal.refused_at}~{mark_of(refusal.name)}"


def _read(here: Place, name: str) -> tuple[dict[str, object], int, Excerpt | None]:
    content = _bytes(here, name, _MOST_SHOWN_BYTES)
    size = os.lstat(f"{here.api.folder}/{FAILED}/{name}").st_size
    said = reason_of(here.api.folder / FAILED, name)
    if name.lower().endswith((".zip", ".gz")) or b"\0" in content[:1000]:
        return said, size, None
    return said, size, excerpt_of(content, str(said.get("error") or ""))


def _bytes(here: Place, name: str, most: int | None) -> bytes:
    """Of a regular file in failed/ itself. Raises a 404 problem."""
    missing = Problem(404, Message("the file is no longer there: it was put back, or set aside"))
    if not name or "/" in name or "\0" in name or name.startswith("."):
        raise missing
    try:
        descriptor = os.open(
            f"{here.api.folder}/{FAILED}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        )
    except OSError:
        raise missing from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise missing
        return file.read() if most is None else file.read(most)


def excerpt_of(content: bytes, error: str) -> Excerpt:
    """The lines around the one that the error names, by its number or by an element's path."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    wanted, column = _where(content, error)
    marked = 0 < wanted <= len(lines)
    middle = wanted if marked else 1
    first = max(1, middle - _AROUND_LINES)
    last = min(len(lines), middle + _AROUND_LINES)
    shown = [
        (number, _cropped(lines[number - 1], column if number == wanted else 0), number == wanted)
        for number in range(first, last + 1)
    ]
    return Excerpt(shown, first > 1 or last < len(lines), marked)


def _where(content: bytes, error: str) -> tuple[int, int]:
    """Line and column, 0: unknown."""
    places = list(_AT.finditer(error))
    at = next((each for each in reversed(places) if each[2]), places[-1] if places else None)
    if at is not None:
        return int(at[1]), int(at[2] or 0)
    path = _PATH.search(error)
    if path is None:
        return 0, 0
    try:
        root = parse(content).root
    except DocumentError:
        return 0, 0
    steps = "/".join(f"*[local-name()='{step}']" for step in path[1].split("/"))
    found = root.xpath(f"descendant-or-self::{steps}")
    first = found[0] if isinstance(found, list) and found else None
    line = getattr(first, "sourceline", 0) or 0
    tag = path[1].rpartition("/")[2].encode()
    begin = content.find(b"<" + tag + b">") if content.count(b"\n") == 0 else -1
    return line, begin + 1 if begin >= 0 else 0


def _cropped(line: str, column: int) -> str:
    if len(line) <= 2 * _AROUND_COLUMNS:
        return line
    begin = max(0, min(column - 1, len(line)) - _AROUND_COLUMNS)
    end = begin + 2 * _AROUND_COLUMNS
    return f"{'…' if begin else ''}{line[begin:end]}{'…' if end < len(line) else ''}"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
