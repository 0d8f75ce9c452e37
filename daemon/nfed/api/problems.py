"""Answers errors as problem details (RFC 9457), wherever the routes are mounted."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from structlog.typing import FilteringBoundLogger

from nfed.api.language import VARY, language_of, worded
from nfed.errors import (
    BatchProcessingException,
    FolderBusy,
    FolderUnavailable,
    IllegalTransition,
    NfedError,
    StoreUnavailable,
)

MEDIA_TYPE = "application/problem+json"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Problem details, RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    },
}

log: FilteringBoundLogger = structlog.get_logger("nfed")


class Problem(Exception):
    """An error as the client gets it; `detail` is one sentence for people."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, object]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors

    def content(self, instance: str) -> dict[str, object]:
        """The members of the problem."""
        told: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors is not None:
            told["errors"] = self.errors
        return told


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describes these answers for OpenAPI."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": SCHEMA}},
        }
        for status in statuses
    }


class ProblemRoute(APIRoute):
    """A route whose errors are problem details also in an application that is not ours."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **how: Any) -> None:
        """Takes summary and description from the first line of the docstring, and the rest."""
        first, _, rest = cleandoc(endpoint.__doc__ or "").partition("\n")
        how["summary"] = how.get("summary") or first.rstrip(".")
        how["description"] = how.get("description") or rest.strip()
        super().__init__(path, endpoint, **how)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # FastAPI says Coroutine
        """The handler, with every error answered."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await handle(request)
                if request.method == "HEAD":
                    response = await _without_body(response)
            except Exception as error:
                response = response_to(request, error)
            response.headers.setdefault("Cache-Control", "no-store")  # it may tell of people
            return response

        return answer


async def _without_body(response: Response) -> Response:
    """The same head; a stream is not begun."""
    if isinstance(response, StreamingResponse) and isinstance(
        response.body_iterator, AsyncGenerator
    ):
        await response.body_iterator.aclose()
    return Response(status_code=response.status_code, headers=dict(response.headers))


def install(app: FastAPI) -> None:
    """Also answers what no route was found for."""

    async def answer(request: Request, error: Exception) -> Response:
        return response_to(request, error)

    app.add_exception_handler(HTTPException, answer)
    app.add_exception_handler(RequestValidationError, answer)
    app.add_exception_handler(Problem, answer)


def response_to(request: Request, error: Exception) -> Response:
    """Makes the response to an error."""
    problem = problem_of(error)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("http_request_broke", path=request.url.path, exc_info=error)
    return JSONResponse(
        worded(problem.content(request.url.path), language_of(request)),
        problem.status,
        {**problem.headers, **VARY},
        media_type=MEDIA_TYPE,
    )


def problem_of(error: Exception) -> Problem:
    """The one place that decides how an error is answered."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            errors = [
                {"in": str(each["loc"][0]), "name": _name(each["loc"]), "error": str(each["msg"])}
                for each in error.errors()
            ]
            said = "; ".join(f"{each['name']}: {each['error']}" for each in errors)
            return Problem(422, said, errors=[dict(each) for each in errors])
        case HTTPException():
            return Problem(error.status_code, _said(error), headers=error.headers)
        case IllegalTransition() | FolderBusy():
            return Problem(409, str(error))
        case BatchProcessingException():
            return Problem(404, str(error))
        case StoreUnavailable() | FolderUnavailable():
            return Problem(503, str(error), headers={"Retry-After": "5"})
        case NfedError():
            return Problem(503, str(error))
        case _:
            return Problem(500, "nfed made a mistake; its log says which")


def _name(where: tuple[int | str, ...]) -> str:
    return ".".join(str(each) for each in where[1:]) or str(where[0])


def _said(error: HTTPException) -> str:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return "there is nothing at this address; /openapi.json lists what there is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "another method")
            return f"this address takes {allowed}"
        case _:
            return str(error.detail)
