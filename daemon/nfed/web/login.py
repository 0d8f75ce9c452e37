"""Serves the login, the logout and the switch of languages."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response

from nfed.api.problems import Problem
from nfed.api.security import check_origin
from nfed.web.access import COOKIE, SESSION_SECONDS, door_of, is_behind_tls, way_back
from nfed.web.answers import LANGUAGE_COOKIE, page, see
from nfed.web.routes import LOGIN, ScreenRoute
from nfed.web.speech import LANGUAGES
from nfed.words import Message

_MOST_FORM_BYTES = 1 << 20
_YEAR_SECONDS = 365 * 86_400

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a form. Raises a 413 or 422 problem."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM_BYTES:
            raise Problem(413, Message("more than {count:,} bytes", count=_MOST_FORM_BYTES))
    try:
        return parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20_000)
    except ValueError:
        raise Problem(422, Message("the body is no form")) from None


@router.get(LOGIN)
async def ask(request: Request, voltar: str = "/") -> Response:
    """The form for the token, or for a name and its password."""
    door = door_of(request)
    if door.is_open or door.visitor(request) is not None:
        return see(way_back(voltar))
    return page(
        request, "login.html", back=way_back(voltar), refused=False, has_users=bool(door.users())
    )


@router.post(LOGIN)
async def enter(request: Request) -> Response:
    """Begins a session."""
    check_origin(request.headers, request.method, None)
    form = await form_of(request)
    door = door_of(request)
    back = way_back(form.get("voltar", ["/"])[0])
    if door.sessions is None:
        return see(back)
    name, password = (form.get(each, [""])[0] for each in ("usuario", "senha"))
    good, user = await door.admits(name.strip(), password)
    if not good:
        has_users = bool(door.users())
        return page(request, "login.html", status=401, back=back, refused=True, has_users=has_users)
    answer = see(back)
    answer.set_cookie(
        COOKIE,
        door.sessions.begin(user),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=is_behind_tls(request),
    )
    return answer


@router.post("/painel/sair")
async def leave(request: Request) -> Response:
    """Ends the session in this browser."""
    check_origin(request.headers, request.method, None)
    answer = see(LOGIN)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.post("/painel/idioma")
async def choose_language(request: Request) -> Response:
    """Remembers the language, and goes back."""
    check_origin(request.headers, request.method, None)
    form = await form_of(request)
    answer = see(way_back(form.get("voltar", ["/"])[0]))
    language = form.get("idioma", [""])[0]
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_SECONDS, samesite="strict")
    return answer
