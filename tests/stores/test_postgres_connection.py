"""Connections: verified, and silent about passwords."""

import asyncio
from contextlib import asynccontextmanager

import psycopg
import pytest

from nfed.errors import ConfigError, StoreRejected, StoreUnavailable
from nfed.stores.postgres.connection import close, connect, connected, shown, world_errors
from nfed.stores.postgres.store import PostgresStore
from tests.support.certificates import context_of, self_signed
from tests.support.notes import note
from tests.support.stores import incoming

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

        with pytest.raises(StoreUnavailable, match=r"\?sslmode=disable"):
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
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.3.*call the host what") as told:
            await answers(f"{url}?sslrootcert={certificate}")
        assert "sslrootcert=FILE" not in str(told.value)


@pytest.mark.parametrize("mode", ["", "sslmode=verify-full&", "sslmode=verify-ca&"])
@pytest.mark.parametrize("parameter", ["sslrootcert", "sslcert"])
async def test_a_file_for_tls_that_cannot_be_used_is_named(
    postgres, certificate, tmp_path, parameter, mode
):
    (tmp_path / "empty.pem").touch()
    if parameter == "sslcert" and not mode:
        mode = "sslmode=require&"
    trusted = "" if parameter == "sslrootcert" else f"&sslrootcert={certificate}"
    async with speaking(postgres, context_of(certificate)) as url:
        for name, why in {
            "gone.pem": "No such file",
            "": "Is a directory",
            "empty.pem": "it holds nothing in PEM",
        }.items():
            path = tmp_path / name
            with pytest.raises(StoreUnavailable) as told:
                await answers(f"{url}?{mode}{parameter}={path}{trusted}")
            assert f"{parameter}={path}: {why}" in str(told.value)


async def test_a_file_for_tls_that_goes_away_costs_no_document(postgres, certificate):
    """It is found out when the next connection is made, with documents in hand."""
    async with speaking(postgres, context_of(certificate)) as url:
        store = PostgresStore(
            f"{url}?sslmode=verify-full&sslrootcert={certificate}", max_connections=1
        )
        certificate.rename(certificate.with_suffix(".old"))

        with pytest.raises(StoreUnavailable, match="sslrootcert="):
            await store.store(incoming(note(1)), "job")


@pytest.mark.parametrize(
    "secret", ["pa@ss", "pa@ss/word", "pa@ss:12", "pa@ss?w=x", "@pass", "pass@"]
)
async def test_neither_half_of_a_password_with_an_at_is_shown(secret):
    url = f"postgresql://me:{secret}@127.0.0.1:1/x"

    with pytest.raises(ConfigError, match="write it as %40") as told:
        async with connected(url):
            pass
    with pytest.raises(ConfigError) as shows:
        shown(url)

    for error in (told, shows):
        assert "pa" not in str(error.value).replace("password", "")
        assert "ss" not in str(error.value).replace("password", "")


async def test_a_parameter_with_an_at_behind_a_port_shows_no_half_of_it():
    url = "postgresql://me@127.0.0.1:1/x?password=first@second"

    with pytest.raises(ConfigError, match="write it as %40") as told:
        async with connected(url):
            pass

    assert "first" not in str(told.value)
    assert "second" not in str(told.value)


async def test_an_at_that_is_encoded_or_stands_in_a_parameter_is_none():
    assert shown("postgresql://me:p%40ss@db/x") == "postgresql://me@db/x"
    assert shown("postgresql://db/x?user=me&password=p@ss") == "postgresql://db/x"
    assert shown("postgresql://me@db/x?application_name=a@b") == "postgresql://me@db/x"


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
