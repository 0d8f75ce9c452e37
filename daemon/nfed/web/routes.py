"""Answers what goes wrong on a screen as a page, in the reader's language."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import structlog
from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from structlog.typing import FilteringBoundLogger

from nfed.api.problems import problem_of, response_to
from nfed.web.access import SignInNeeded
from nfed.web.answers import HEADERS, page

LOGIN = "/painel/entrar"

log: FilteringBoundLogger = structlog.get_logger("nfed")


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return "hx-request" in request.headers


def wants_json(request: Request) -> bool:
    """Whether the page's own script asks."""
    return "application/json" in request.headers.get("accept", "")


class ScreenRoute(APIRoute):
    """A route whose errors are pages: the login for whoever has no session."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # FastAPI says Coroutine
        """The handler, with every error answered."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except SignInNeeded:
                return _to_the_login(request)
            except Exception as error:
                return _to_a_problem(request, error)

        return answer


def _to_the_login(request: Request) -> Response:
    if is_fragment(request) or wants_json(request):
        return JSONResponse({}, 401, {"HX-Redirect": LOGIN, **HEADERS})
    back = request.url.path if request.method == "GET" else "/"
    if request.method == "GET" and request.url.query:
        back += f"?{request.url.query}"
    to = LOGIN if back == "/" else f"{LOGIN}?{urlencode({'voltar': back})}"
    return RedirectResponse(to, 303, HEADERS)


def _to_a_problem(request: Request, error: Exception) -> Response:
    if wants_json(request):
        return response_to(request, error)
    problem = problem_of(error)
    if problem.status == 500:
        log.error("http_request_broke", path=request.url.path, exc_info=error)
    answer = page(request, "problem.html", status=problem.status, problem=problem)
    answer.headers.update(problem.headers)
    return answer
