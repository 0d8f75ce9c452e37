"""Serves /healthz, /readyz and /metrics to those who watch over the daemon."""

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from nfed import __version__
from nfed.api import metrics as figures
from nfed.api.batch import Admitted
from nfed.api.models import Health, Ready
from nfed.api.problems import Problem, ProblemRoute, documented
from nfed.api.query import check_query
from nfed.errors import NfedError

router = APIRouter(tags=["health"], route_class=ProblemRoute, responses=documented(421, 422))


@router.get(
    "/healthz", operation_id="getHealth", response_model=Health, dependencies=[Depends(check_query)]
)
async def healthz() -> Response:
    """The process answers; asks for no token, and says nothing else."""
    return JSONResponse({"status": "ok", "version": __version__})


@router.get(
    "/readyz",
    operation_id="getReadiness",
    response_model=Ready,
    responses=documented(401, 403, 503),
)
async def readyz(api: Admitted) -> Response:
    """Folder and database can be used; 503 says which cannot."""
    checks: dict[str, str] = {}
    faults: list[dict[str, object]] = []
    for name, check in (("folder", api.engine.check), ("database", api.notes.check)):
        try:
            await check()
        except NfedError as error:
            faults.append({"name": name, "error": str(error)})
        else:
            checks[name] = "ok"
    if faults:
        said = "; ".join(str(fault["error"]) for fault in faults)
        raise Problem(503, said, headers={"Retry-After": "5"}, errors=faults)
    return JSONResponse({"status": "ready", "checks": checks})


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus's text format",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **documented(401, 403),
    },
)
async def metrics(api: Admitted) -> Response:
    """Files by outcome, jobs by status, backlog, times, retries, last success, build."""
    return Response(await api.metrics.text(api.ledger, api.engine), media_type=figures.CONTENT_TYPE)
