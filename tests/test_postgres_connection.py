"""Connections: verified, and silent about passwords."""

import asyncio
from contextlib import asynccontextmanager

import psycopg
import pytest

from daemon.errors import ConfigError, StoreRejected, StoreUnavailable
from daemon.stores.postgres_connection import close, connect, connected, shown, world_errors
from tests.certificates import context_of, self_signed

_SSL_REQUEST = (80877103).to_bytes(4, "big")
FAR = "127.0.0.2"  # this machine, by a name that does not say so


@pytest.fixture
def certificate(tmp_path):
    """For FAR."""
    return self_signed(tmp_path, FAR)


@asynccontextmanager
async def speaking(server, tls=None, host=FAR):
    """The server's URL at another address, in front of which `tls` is spoken, or only plainly."""

    async def serve(reader, writer):
        peer = None
        try:
            peer = await asyncio.open_connection("127.0.0.1", server.port)
            request = await reader.readexactly(8)
            if request[4:] == _SSL_REQUEST:
                writer.write(b"N" if tls is None else b"S")
                if tls is not None:
                    await writer.start_tls(tls)
            else:
                peer[1].write(request)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pour(reader, peer[1]))
                group.create_task(_pour(peer[0], writer))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side did not like it
        finally:
            for each in (writer, peer[1] if peer else None):
                if each is not None:
                    each.close()

    listening = await asyncio.start_server(serve, host, 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield server.url().replace(f"127.0.0.1:{server.port}", f"{host}:{port}")
    finally:
        listening.close()


async def _pour(reader, writer):
    while chunk := await reader.read(1 << 16):
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def answers(url):
    async with connected(url) as connection:
        return await connection.fetchval("select 1") == 1


async def test_a_server_elsewhere_is_not_spoken_to_without_tls(postgres):
    async with speaking(postgres) as url:
        with pytest.raises(StoreUnavailable, match="SSL"):
            await answers(url)

        assert await answers(f"{url}?sslmode=disable")


async def test_a_certificate_that_nobody_vouches_for_is_refused(postgres, certificate):
    async with speaking(postgres, context_of(certificate)) as url:
        with pytest.raises(StoreUnavailable, match="sslrootcert=FILE"):
            await answers(url)

        assert await answers(f"{url}?sslrootcert={certificate}")
        assert await answers(f"{url}?sslmode=require")


async def test_a_certificate_of_another_name_is_refused(postgres, certificate):
    async with speaking(postgres, context_of(certificate), "127.0.0.3") as url:
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.3"):
            await answers(f"{url}?sslrootcert={certificate}")


async def test_errors_are_sorted_by_what_happens_next_and_show_no_password(empty_url):
    url = empty_url.replace("postgres@", "postgres:geheim@")
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("create table t (n integer unique)")

    doubled = "insert into t values (1), (1)"
    with pytest.raises(StoreRejected) as content, world_errors(url):
        connection = await connect(url, 60)
        try:
            await connection.execute(doubled)
        finally:
            await close(connection)
    with pytest.raises(StoreUnavailable) as no_document:
        async with connected(url) as connection:
            await connection.execute(doubled)
    with pytest.raises(StoreUnavailable) as gone:
        async with connected(url) as connection:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(ConfigError) as nobody:
        async with connected(url.replace("postgres:", "nobody:")):
            pass
    with pytest.raises(ConfigError) as nowhere:
        async with connected(url + "_x"):
            pass

    for told in (content, no_document, gone, nobody, nowhere):
        assert "geheim" not in f"{told.value!r}"
    assert "postgres@127.0.0.1" in str(gone.value)
    assert shown(url + "?password=geheim&user=x") == shown(empty_url)
