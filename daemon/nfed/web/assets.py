"""Serves stylesheet and scripts under names that carry their content's hash."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response

PREFIX = "/painel/assets"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}

router = APIRouter(include_in_schema=False)


@cache
def contents() -> Mapping[str, bytes]:
    """Every asset by its hashed name, such as nfed.1f3870be27.css."""
    return {address.rpartition("/")[2]: content for address, content in _hashed().values()}


def address(name: str) -> str:
    """Where an asset is served, by its file's name."""
    return _hashed()[name][0]


@cache
def _hashed() -> Mapping[str, tuple[str, bytes]]:
    found = {}
    static = files("nfed.web") / "static"
    for folder in (static, static / "vendor"):
        for file in folder.iterdir():
            stem, dot, suffix = file.name.rpartition(".")
            if f"{dot}{suffix}" in _KINDS:
                content = file.read_bytes()
                mark = hashlib.sha256(content).hexdigest()[:10]
                found[file.name] = (f"{PREFIX}/{stem}.{mark}.{suffix}", content)
    return found


@router.get(f"{PREFIX}/{{name}}")
async def asset(name: str) -> Response:
    """One asset; browsers keep it for ever, since another content has another name."""
    content = contents().get(name)
    if content is None:
        return Response(status_code=404)
    kind = _KINDS[f".{name.rpartition('.')[2]}"]
    return Response(content, media_type=kind, headers=_FOR_EVER)
