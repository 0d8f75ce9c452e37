"""Describes the API in OpenAPI 3.1, as the generators of clients want it."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from nfed.api.problems import SCHEMA

_OPEN = ("/healthz",)
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "The api_token of this nfed; without one it is open on loopback.",
}


def schema_of(app: FastAPI, *, has_token: bool) -> dict[str, Any]:
    """The description; where there is no token, none is needed."""
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {"bearer": _BEARER}
    components.setdefault("schemas", {})["Problem"] = SCHEMA
    needed: list[dict[str, list[str]]] = [{"bearer": []}] if has_token else [{}, {"bearer": []}]
    schema["security"] = needed
    for path, operation in _operations(schema):
        # Again at each operation: generators of clients do not look above it.
        operation["security"] = [] if path in _OPEN else needed
        for answer in operation["responses"].values():
            for content in answer.get("content", {}).values():
                if content.get("schema") == SCHEMA:
                    content["schema"] = {"$ref": "#/components/schemas/Problem"}
    return schema


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            yield path, operation
