"""Serves /batch: jobs to start, to follow and to end."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from nfed.api import raw, uploads
from nfed.api.language import VARY, language_of, worded
from nfed.api.models import (
    FilePage,
    JobModel,
    JobPage,
    Retried,
    Started,
    Statistics,
    Uploaded,
    cursor_for,
    pair_in,
    place_in,
)
from nfed.api.problems import Problem, ProblemRoute, documented
from nfed.api.state import Api, admitted
from nfed.core.job import JobState, moves_from
from nfed.core.outcome import OutcomeName
from nfed.ledger.reader import JobRecord

_MOST_JSON_BYTES = 1 << 20

router = APIRouter(
    prefix="/batch",
    tags=["batch"],
    route_class=ProblemRoute,
    responses=documented(401, 403, 421, 422, 503),
)

Admitted = Annotated[Api, Depends(admitted)]
Limit = Annotated[int, Query(ge=1, le=500, description="how many at most")]
Cursor = Annotated[str | None, Query(description="next_cursor of the page before", max_length=1000)]

_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "description": "A folder to import, or files for the drop folder.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"folder_path": {"type": "string"}},
                    "required": ["folder_path"],
                    "additionalProperties": False,
                }
            },
            **{
                kind: {"schema": {"type": "string", "format": "binary", "minLength": 1}}
                for kind in ("application/xml", "text/xml", "application/zip", "application/gzip")
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                    "required": ["files"],
                },
                "encoding": {
                    "files": {
                        "contentType": "application/xml, text/xml, application/zip, "
                        "application/gzip"
                    }
                },
            },
        },
    }
}
_RETRY_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "description": "Names of files in failed/; without them, all.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"files": {"type": "array", "items": {"type": "string"}}},
                    "additionalProperties": False,
                }
            }
        },
    }
}


@router.post(
    "/upload",
    operation_id="uploadFiles",
    status_code=202,
    responses={
        202: {"model": Started | Uploaded},
        **documented(404, 408, 409, 413, 415, 507),
    },
    openapi_extra=_UPLOAD_BODY,
)
async def upload(
    request: Request,
    api: Admitted,
    folder_path: Annotated[
        str | None, Query(description="the drop folder, or one under upload_roots")
    ] = None,
) -> Response:
    """Import a folder, or send files.

    The drop folder itself, or nothing at all, means "look now". Files of another folder stay where
    they are. XML (a zip, a gzip) may also be the body itself; Content-Disposition may name it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    suffix = raw.suffix_of(kind)
    if kind == "multipart/form-data" or suffix is not None:
        job_id, names = await take(request, api, suffix)
        return JSONResponse({"job_id": job_id, "status": "started", "files": names}, 202)
    asked = await _json_object(request, {"folder_path"}, kind)
    named = folder_path if asked is None else asked.get("folder_path")
    if named is None and asked is None:
        return _started(await api.engine.look())
    if not isinstance(named, str):
        raise Problem(422, "expected folder_path as text, or files as multipart/form-data")
    folder = await asyncio.to_thread(_allowed, Path(named), api)
    if folder == await asyncio.to_thread(api.folder.resolve):
        return _started(await api.engine.look())
    return _started(await api.engine.import_folder(folder))


@router.get(
    "/status/{job_id}",
    operation_id="getJob",
    response_model=JobModel,
    responses=documented(404),
    name="job_status",
)
async def status(request: Request, api: Admitted, job_id: str) -> Response:
    """A job, with the first hundred of its errors, in the language of Accept-Language."""
    told = await api.polled.json(job_id, language_of(request))
    if told is None:
        raise _unknown_job()
    return Response(told, media_type="application/json", headers=VARY)


@router.get("/jobs", operation_id="listJobs", response_model=JobPage, responses=documented(404))
async def jobs(
    api: Admitted,
    status: Annotated[JobState | None, Query(description="only those that stand so")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The history, the newest first, without the jobs' errors."""
    before = None if cursor is None else pair_in(cursor, str)
    states = () if status is None else (status,)
    found = await asyncio.to_thread(
        api.ledger.jobs, states=states, limit=limit + 1, before=before, most_errors=0
    )
    page = found[:limit]
    more = len(found) > limit
    return JSONResponse(
        {
            "jobs": [asdict(job) for job in page],
            "next_cursor": cursor_for(page[-1].created_at, page[-1].job_id) if more else None,
        }
    )


@router.get(
    "/jobs/{job_id}/files",
    operation_id="listJobFiles",
    response_model=FilePage,
    responses=documented(404),
)
async def files(
    request: Request,
    api: Admitted,
    job_id: str,
    outcome: Annotated[OutcomeName | None, Query(description="only those that ended so")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Lists what became of a job's files, in the language of Accept-Language."""
    after = 0 if cursor is None else place_in(cursor, int)
    await _job(api, job_id)
    found = await asyncio.to_thread(
        api.ledger.files, job_id, outcome=outcome, limit=limit + 1, after=after
    )
    page = found[:limit]
    return JSONResponse(
        {
            "files": [worded(asdict(file), language_of(request)) for file in page],
            "next_cursor": cursor_for(page[-1].id) if len(found) > limit else None,
        },
        headers=VARY,
    )


@router.post(
    "/jobs/{job_id}/cancel",
    operation_id="cancelJob",
    status_code=202,
    response_model=Started,
    responses=documented(404, 409),
)
async def cancel(api: Admitted, job_id: str) -> Response:
    """End a job after the chunks in flight.

    Its files without an outcome stay where they are until somebody asks for them.
    """
    job = await _job(api, job_id)
    if not moves_from(job.status):
        raise Problem(
            409, f"job {job_id} is {job.status}; only a job that goes on can be cancelled"
        )
    await api.engine.cancel(job_id)
    api.polled.forget(job_id)
    return _started(job_id, "cancelling")


@router.post(
    "/retry",
    operation_id="retryFiles",
    status_code=202,
    response_model=Retried,
    responses=documented(404, 409, 413, 415),
    openapi_extra=_RETRY_BODY,
)
async def retry(request: Request, api: Admitted) -> Response:
    """Put refused files back into the drop folder."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    asked = await _json_object(request, {"files"}, kind) or {}
    names = asked.get("files", [])
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise Problem(422, "expected files as a list of names")
    try:
        job_id, count = await api.engine.retry(names if "files" in asked else None)
    except KeyError as error:
        name = uploads.harmless_text(str(error.args[0]).encode("utf-8", "replace"))
        raise Problem(404, f"{name} is no refused file") from None
    return JSONResponse({"job_id": job_id, "status": "started", "files": count}, 202)


@router.get("/statistics", operation_id="getStatistics", response_model=Statistics)
async def statistics(api: Admitted) -> Response:
    """All jobs together."""
    return JSONResponse(asdict(await asyncio.to_thread(api.ledger.statistics)))


async def take(request: Request, api: Api, suffix: str | None = None) -> tuple[str, list[str]]:
    """The job of a multipart body's files, and the names that they got in the drop folder.

    With a suffix the body is one file. Raises a problem as `uploads.received` does.
    """
    limits = api.limits
    if suffix is not None:
        staged = await raw.received_whole(request, api.folder, suffix, max_bytes=limits.max_bytes)
    else:
        staged = await uploads.received(
            request,
            api.folder,
            max_files=limits.max_files,
            max_bytes=limits.max_bytes,
            by_content=limits.by_content,
        )
    try:
        return await api.engine.take(staged)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(uploads.discard, staged))
        raise


async def _job(api: Api, job_id: str) -> JobRecord:
    found = await asyncio.to_thread(api.ledger.job, job_id, most_errors=0)
    if found is None:
        raise _unknown_job()
    return found


def _unknown_job() -> Problem:
    return Problem(404, "there is no job of this id")


async def _json_object(request: Request, known: set[str], kind: str) -> dict[str, object] | None:
    """The body; None: there is none. Raises a 413, 415 or 422 problem."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_JSON_BYTES:
            raise Problem(
                413, f"more than {_MOST_JSON_BYTES:,} bytes", headers={"Connection": "close"}
            )
    if not body:
        return None
    if kind not in ("", "application/json"):
        raise Problem(415, "expected application/json")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(422, "the body is no JSON") from None
    if not isinstance(said, dict) or not known.issuperset(said):
        raise Problem(422, f"expected an object with {', '.join(sorted(known))} and nothing else")
    return said


def _allowed(named: Path, api: Api) -> Path:
    """The folder itself, symbolic links followed. Raises a 403 or 404 problem.

    Nothing is said of what lies outside: whether it is there is not the client's business.
    """
    outside = Problem(403, "expected the drop folder, or a folder under upload_roots")
    if ".." in named.parts or "\0" in str(named):
        raise outside
    try:
        folder = named.absolute().resolve()
        roots = [api.folder.resolve(), *(root.resolve() for root in api.upload_roots)]
    except (OSError, RuntimeError, ValueError):
        raise outside from None
    own, *others = roots
    if folder != own and not any(folder.is_relative_to(root) for root in others):
        raise outside
    if folder != own and folder.is_relative_to(own):
        raise outside  # done/ and failed/ are nobody's to import
    try:
        is_there = folder.is_dir()
    except OSError:
        is_there = False
    if not is_there:
        raise Problem(404, "there is no such folder")
    return folder


def _started(job_id: str, status: str = "started") -> Response:
    return JSONResponse({"job_id": job_id, "status": status}, 202)
