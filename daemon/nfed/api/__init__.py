"""Serves HTTP (extra `nfed[api]`): `create_app()`, or `router` for an application of your own.

Routes (`batch`, `notes`, `exports`, `health`) ask one `Api` (`state`): its engine does the work,
its readers read ledger and database, its exports (`outgoing`) take out what is stored. In the
daemon the engine is the pipeline (`inside`); in a program of its own it is a BatchProcessor
(`engine`). Uploads are streamed to hidden files in the drop folder and renamed in (`uploads`), so
that they take every other file's way.

Without a token only loopback is listened on, and requests that a page of another site could send
are refused (`security`). Errors are problem details (`problems`), also where a program mounts the
router. Server-sent events go on after an id of any daemon on the same ledger (`events`).

No route holds SQL, and none decides what becomes of a file.
"""

from nfed.api.application import create_app, router

__all__ = ["create_app", "router"]
