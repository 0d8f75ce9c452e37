"""What several test modules share."""

import asyncio
from collections.abc import Iterator

import pytest

from nfed.stores.postgres import schema as postgres_schema
from tests.support.postgres_server import Server, running
from tests.support.supabase_server import Project, project


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One PostgreSQL for the session."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def oldest_postgres() -> Iterator[Server]:
    """The oldest PostgreSQL that nfed feeds, one for the session."""
    with running(14) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> Iterator[str]:
    """The name of a database with the newest schema and nothing in it, to make others from."""
    with postgres.database() as name:
        asyncio.run(postgres_schema.migrate(postgres.url(name)))
        yield name


@pytest.fixture
def empty_url(postgres: Server) -> Iterator[str]:
    """A database of the test's own, without a schema."""
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture
def postgres_url(postgres: Server, migrated: str) -> Iterator[str]:
    """A database of the test's own, with the newest schema."""
    with postgres.database(template=migrated) as name:
        yield postgres.url(name)


@pytest.fixture(scope="session")
def supabase_session() -> Iterator[Project]:
    """One Supabase project for the session, on a server of its own: roles belong to servers."""
    with running() as server, project(server) as made:
        yield made


@pytest.fixture
def supabase_project(supabase_session: Project) -> Project:
    """The session's project, with the newest schema and without a row."""
    supabase_session.empty()
    return supabase_session
