"""The HTTP API (extra `nfed[api]`): `create_app()`, or `router` for an application of your own."""

from daemon.api.application import create_app, router

__all__ = ["create_app", "router"]
