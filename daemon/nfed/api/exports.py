"""Serves /export and the printed notes: what is stored, on its way out."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from nfed.api.batch import Admitted
from nfed.api.parameters import Chave, CpfCnpj, Day
from nfed.api.problems import Problem, ProblemRoute, documented
from nfed.errors import ConfigError
from nfed.exports.chosen import STATUSES, selection
from nfed.exports.lines import Locale
from nfed.exports.printing import Printed, Unprintable, orders
from nfed.exports.request import FORMATS, Format, Request, What
from nfed.stores.pages import Papel, Selection

_MONTH = "^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"
_STATUS = f"^({'|'.join(STATUSES)})$"

router = APIRouter(
    tags=["export"],
    route_class=ProblemRoute,
    responses=documented(401, 403, 404, 409, 421, 422, 503),
)


_TYPES = sorted({form.media_type.partition(";")[0] for form in Format})
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as it is made; one that ends early is not whole.",
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in _TYPES},
    },
    **documented(501),
}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The printed note.",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    },
    **documented(501),
}


@router.get("/export/{what}", operation_id="exportRows", response_class=Response, responses=_BYTES)
async def export(
    api: Admitted,
    what: What,
    empresa: CpfCnpj = None,
    role: Annotated[Papel | None, Query(description="what it is in the note")] = None,
    mes: Annotated[
        str | None, Query(pattern=_MONTH, description="issued in this month, AAAA-MM")
    ] = None,
    de: Annotated[Day, Query(description="issued on this date or later")] = None,
    ate: Annotated[Day, Query(description="issued on this date or earlier")] = None,
    status: Annotated[str | None, Query(pattern=_STATUS)] = None,
    modelo: Annotated[str | None, Query(pattern="^[0-9]{2}$")] = None,
    format: Annotated[  # noqa: A002  # the parameter's name
        Format | None, Query(description="without one, csv, or zip for xml")
    ] = None,
    locale: Locale = Locale.BRAZIL,
) -> Response:
    """What `nfed export` writes: rows of notas, itens, eventos, documentos, or a zip of XML."""
    first, last = (None if day is None else day.isoformat() for day in (de, ate))
    try:
        chosen = selection(
            empresa=empresa, role=role, mes=mes, de=first, ate=last, status=status, modelo=modelo
        )
    except ValueError as error:  # each word is sound, and one contradicts another
        raise Problem(409, str(error)) from None
    wanted = format or FORMATS[what][0]
    if wanted not in FORMATS[what]:
        raise Problem(409, f"format: {what} comes as {', '.join(FORMATS[what])}")
    parts = api.exports.stream(Request(what, wanted, chosen, locale))
    try:
        beginning = await anext(
            parts
        )  # what is wrong is found here, while there is an answer to give
    except ConfigError as error:
        raise Problem(501, str(error)) from error
    name = "-".join(each for each in ("nfed", what, chosen.empresa, mes) if each)
    return StreamingResponse(
        _all(beginning, parts),
        media_type=wanted.media_type,
        headers=_headers("attachment", f"{name}.{wanted}"),
    )


@router.get(
    "/notas/{chave}/danfe.pdf",
    operation_id="getDanfe",
    response_class=Response,
    responses=_PDF,
    tags=["notas"],
)
async def danfe(api: Admitted, chave: Chave) -> Response:
    """The note printed: DANFE, or the DANFE NFC-e; a carta de correção stands below it."""
    exports = api.exports
    selected = Selection(chaves=(chave,))
    order = await anext(orders(exports.pages, selected, exports.originals()), None)
    if order is None:
        raise Problem(404, f"no note {chave} is stored with what is asked for")
    try:
        printed = (
            order[1]
            if isinstance(order[1], Unprintable)
            else await exports.printing.print(order[1])
        )
    except ConfigError as error:
        raise Problem(501, str(error)) from error
    if not isinstance(printed, Printed):
        raise Problem(422, f"{chave} cannot be printed: {printed.reason}")
    return Response(
        printed.pdf, media_type="application/pdf", headers=_headers("inline", f"{chave}.pdf")
    )


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


def _headers(disposition: str, name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'{disposition}; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
