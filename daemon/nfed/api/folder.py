"""Serves /folder: what lies in the drop folder, waits, was refused, or is left alone."""

import asyncio

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from nfed.api.batch import Admitted
from nfed.api.models import FolderNow
from nfed.api.problems import Problem, ProblemRoute, documented
from nfed.core.escape import escaped
from nfed.errors import FolderUnavailable
from nfed.intake.refused import refused_files

router = APIRouter(
    tags=["folder"], route_class=ProblemRoute, responses=documented(401, 403, 421, 422, 503)
)


@router.get("/folder", operation_id="getFolder", response_model=FolderNow)
async def folder(api: Admitted) -> Response:
    """The drop folder as it is now; of what is left alone the first 100, with what to do."""
    try:
        census = await api.engine.census()
        refused = await asyncio.to_thread(refused_files, api.folder)
    except FolderUnavailable as error:
        raise Problem(503, str(error), headers={"Retry-After": "5"}) from error
    return JSONResponse(
        {
            "path": escaped(str(api.folder)),
            "backlog": census.waiting,
            "refused": len(refused),
            "left_alone": {
                "total": census.left,
                "files": [
                    {"file": escaped(each.path), "reason": each.reason, "advice": each.advice}
                    for each in census.listed
                ],
            },
        }
    )
