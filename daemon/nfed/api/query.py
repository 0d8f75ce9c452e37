"""Refuses parameters that a route does not know: without them it would answer another question."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant

from nfed.api.problems import Problem
from nfed.words import Message

_MOST_SHOWN = 100


def check_query(request: Request) -> None:
    """Raises a 422 problem for the first parameter that the route does not know."""
    sent = list(request.query_params)
    if not sent:
        return
    known = dict.fromkeys(_names(_dependant(request)))
    for name in sent:
        if name not in known:
            raise _unknown(name, list(known))


def _unknown(name: str, known: list[str]) -> Problem:
    cut = name[:_MOST_SHOWN]
    shown = "".join(each if each.isprintable() else "_" for each in cut)
    said = Message("{name}: this address takes no parameters", name=shown)
    if known:
        said = Message(
            "{name}: this address knows no such parameter; it knows {known}",
            name=shown,
            known=", ".join(known),
        )
    return Problem(422, said, errors=[{"in": "query", "name": shown, "error": said}])


def _dependant(request: Request) -> Dependant:
    """What the route asks for, with what a program that includes the router adds to it.

    Newer versions of FastAPI keep the latter beside the route, older ones copy the route.
    """
    context = request.scope.get("fastapi", {}).get("effective_route_context")
    found: Dependant = getattr(context, "dependant", None) or request.scope["route"].dependant
    return found


def _names(dependant: Dependant) -> Iterator[str]:
    for below in dependant.dependencies:
        yield from _names(below)
    for each in dependant.query_params:
        yield each.alias
