"""Answers with a document's XML as it was imported, in the encoding that it declares."""

from hashlib import sha256
from typing import Any

from fastapi import Request, Response

from nfed.exports.originals import declared_encoding

DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The XML as it was imported. Its ETag is the SHA-256 of the bytes.",
        "content": {"application/xml": {"schema": {"type": "string"}}},
        "headers": {"ETag": {"schema": {"type": "string"}, "description": "of these bytes"}},
    },
    304: {"description": "The client has it: If-None-Match names its ETag."},
}


def answer(request: Request, text: str, name: str) -> Response:
    """The XML under a file name; without it where the client says that it has it."""
    encoding = declared_encoding(text)
    content = text.encode(encoding, "xmlcharrefreplace")
    tag = f'"{sha256(content).hexdigest()}"'
    known = (each.strip() for each in request.headers.get("if-none-match", "").split(","))
    if any(each in ("*", tag, f"W/{tag}") for each in known):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(
        content,
        media_type=f"application/xml; charset={encoding}",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.xml"',
            "ETag": tag,
            "X-Content-Type-Options": "nosniff",
        },
    )
