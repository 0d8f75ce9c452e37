"""Uploads: streamed to disk, whole or not at all, under names that do no harm."""

import io
import os
import socket
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nfed.api.uploads import PREFIX, harmless
from tests.support.harness import Rig, eventually, never, note, notes, write_locked
from tests.support.served import Served, assert_problem, served


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def server(rig) -> Iterator[Served]:
    with served(rig, upload_max_files=5, upload_max_bytes=200_000) as server:
        yield server


def hidden(rig: Rig) -> list[str]:
    return [name for name in os.listdir(rig.folder) if name.startswith(PREFIX)]


def test_several_files_are_one_job_of_exactly_these(server):
    made = notes(4)

    answer = server.upload(*((each.name, each.xml) for each in made))
    job = server.ended(answer.json()["job_id"])

    assert (answer.status_code, answer.json()["status"]) == (202, "started")
    assert answer.json()["files"] == [each.name for each in made]
    assert (job["total_files"], job["successful_files"]) == (4, 4)
    server.rig.assert_each_once(made)
    assert server.rig.done() == sorted(each.name for each in made)
    assert hidden(server.rig) == []


def test_what_is_stored_is_what_was_sent(server):
    xml = note(1).xml

    server.ended(server.upload(("a.xml", xml)).json()["job_id"])

    (stored,) = (server.rig.folder / "done").rglob("a.xml")
    assert stored.read_bytes() == xml


def test_a_namesake_is_never_overwritten(server):
    """Neither one that waits in the folder, nor one of the same upload."""
    (server.rig.folder / "a.xml").mkdir()

    answer = server.upload(("a.xml", note(1).xml), ("a.xml", note(2).xml))
    job = server.ended(answer.json()["job_id"])

    assert answer.json()["files"] == ["a.2.xml", "a.3.xml"]
    assert job["successful_files"] == 2


def test_uploads_at_the_same_time_each_get_their_own_job(rig):
    """Although a scan would take each of them as soon as it is there."""
    with served(rig, settle_seconds=0, debounce_seconds=0) as server:
        _upload_at_the_same_time(server)


def _upload_at_the_same_time(server: Served) -> None:
    def send(n: int) -> tuple[dict[str, object], dict[str, object]]:
        answer = server.upload(("nota.xml", note(n).xml), (f"{n}.xml", note(100 + n).xml))
        return answer.json(), server.ended(answer.json()["job_id"])

    with ThreadPoolExecutor(12) as threads:
        sent = list(threads.map(send, range(12)))

    assert len({answer["job_id"] for answer, _ in sent}) == 12
    assert len({name for answer, _ in sent for name in answer["files"]}) == 24
    assert all((job["total_files"], job["successful_files"]) == (2, 2) for _, job in sent)
    assert len(server.rig.chaves()) == 24


def test_a_scan_leaves_files_to_the_upload_that_waits_with_them(server):
    """The database is locked, so the second upload waits behind the first while a look scans."""
    with write_locked(server.rig.database):
        first = server.upload(("a.xml", note(1).xml)).json()["job_id"]
        eventually(lambda: server.job(first)["status"] == "running")
        second = server.upload(("b.xml", note(2).xml)).json()["job_id"]
        look = server.post("/batch/upload").json()["job_id"]
        never(lambda: server.job(second)["status"] != "pending", seconds=1)  # it scans meanwhile
    jobs = [server.ended(job_id) for job_id in (first, second, look)]

    assert [(job["total_files"], job["successful_files"]) for job in jobs] == [
        (1, 1),
        (1, 1),
        (0, 0),
    ]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("nota.xml", "nota.xml"),
        ("NOTA.XML", "NOTA.XML"),
        ("lote.zip", "lote.zip"),
        ("../../etc/cron.d/evil.xml", "evil.xml"),
        ("C:\\notas\\nota.xml", "nota.xml"),
        ("..\\..\\nota.xml", "nota.xml"),
        (".hidden.xml", "hidden.xml"),
        (".nfed.lock.xml", "nfed.lock.xml"),
        ("~$nota.xml", "nota.xml"),
        ("no\x00ta\n.xml", "no_ta_.xml"),
        ("\u202elmx.exe.xml", "_lmx.exe.xml"),
        (".xml", "upload.xml"),
        ("ção" * 100 + ".xml", ("ção" * 100).encode()[:200].decode("utf-8", "ignore") + ".xml"),
        ("lote.tar.gz", "lote.tar.gz"),
        ("correio.eml", "correio.eml"),
        ("lote.7z", "lote.7z"),
        ("nota.pdf", None),
        ("xml", None),
        ("", None),
        ("done/", None),
        ("..", None),
        ("nota.xml/", None),
    ],
)
def test_names_are_made_harmless(sent, kept):
    assert harmless(sent) == kept


def test_a_part_may_say_its_type_instead_of_a_suffix(server):
    answer = server.post(
        "/batch/upload", files=[("files", ("nota", note(1).xml, "application/xml"))]
    )

    assert answer.json()["files"] == ["nota.xml"]
    assert server.ended(answer.json()["job_id"])["successful_files"] == 1


@pytest.mark.parametrize("kind", ["application/xml", "text/xml; charset=utf-8"])
def test_xml_may_be_the_body_itself(server, kind):
    answer = server.post("/batch/upload", content=note(1).xml, headers={"Content-Type": kind})

    assert answer.status_code == 202, answer.text
    assert answer.json()["files"] == ["upload.xml"]
    assert server.ended(answer.json()["job_id"])["successful_files"] == 1
    assert server.rig.chaves() == [note(1).chave]


def test_a_body_may_be_named_and_its_name_is_made_harmless(server):
    headers = {
        "Content-Type": "application/xml",
        "Content-Disposition": 'attachment; filename="../../nota"',
    }

    answer = server.post("/batch/upload", content=note(1).xml, headers=headers)

    assert answer.json()["files"] == ["nota.xml"]


def test_an_empty_body_or_one_too_large_leaves_nothing(tmp_path):
    kind = {"Content-Type": "application/xml"}
    with Rig(tmp_path) as rig, served(rig, upload_max_bytes=1000) as server:
        assert_problem(server.post("/batch/upload", content=b"", headers=kind), 422, "empty")
        declared = server.post("/batch/upload", content=b"<a>" * 400, headers=kind)
        streamed = server.post("/batch/upload", content=iter([b"<a>" * 200] * 2), headers=kind)

        assert_problem(declared, 413)
        assert_problem(streamed, 413)
        assert (hidden(rig), rig.left()) == ([], [])


def test_what_the_folder_takes_can_be_uploaded(server):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("dentro.xml")
        member.size = len(note(1).xml)
        archive.addfile(member, io.BytesIO(note(1).xml))

    answer = server.upload(("lote.tgz", packed.getvalue()))

    assert server.ended(answer.json()["job_id"])["status"] == "completed"
    assert server.rig.chaves() == [note(1).chave]


def test_by_content_any_name_is_taken_that_the_bytes_speak_for(tmp_path):
    with Rig(tmp_path) as rig, served(rig, by_content="true") as server:
        answer = server.upload(("nota.dados", note(1).xml), ("outra", note(2).xml))
        server.ended(answer.json()["job_id"])
        refused = server.upload(("foto.dados", b"\x89PNG"))

        assert answer.json()["files"] == ["nota.dados", "outra"]
        assert sorted(rig.chaves()) == sorted([note(1).chave, note(2).chave])
        assert_problem(refused, 415, "foto.dados")
        assert hidden(rig) == []


def test_hostile_names_end_in_the_folder_and_nowhere_else(server):
    sent = [f"{'../' * depth}evil.xml" for depth in range(3)]

    answer = server.upload(*((name, note(n).xml) for n, name in enumerate(sent)))
    server.ended(answer.json()["job_id"])

    assert answer.json()["files"] == ["evil.xml", "evil.2.xml", "evil.3.xml"]
    assert [each.name for each in server.rig.home.rglob("evil*")] != []
    assert all(
        each.is_relative_to(server.rig.folder) for each in server.rig.home.rglob("evil*.xml")
    )


def test_one_file_that_is_not_wanted_refuses_them_all(server):
    answer = server.upload(("a.xml", note(1).xml), ("foto.png", b"png"))

    assert_problem(answer, 415, "foto.png")
    assert (hidden(server.rig), server.rig.left(), server.rig.chaves()) == ([], [], [])


def test_too_many_files_are_refused(server):
    answer = server.upload(*((f"{n}.xml", b"<a/>") for n in range(6)))

    assert_problem(answer, 413, "5 files")
    assert (hidden(server.rig), server.rig.left()) == ([], [])


def test_too_many_bytes_are_refused_with_and_without_a_declared_length(server):
    boundary = "limit"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a.xml"\r\n\r\n'
    ).encode()

    def endless() -> Iterator[bytes]:
        yield head
        for _ in range(40):
            yield b"x" * 10_000

    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    declared = server.upload(("a.xml", b"x" * 2_000_000))
    streamed = server.post("/batch/upload", content=endless(), headers=headers)

    assert_problem(declared, 413, "200,000")
    assert_problem(streamed, 413, "200,000")
    assert (hidden(server.rig), server.rig.left()) == ([], [])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data; boundary=x"),
        (b"garbage", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.xml"\r\n\r\n<a/>',
            "multipart/form-data; boundary=x",
        ),
        (b"--x--\r\n", "multipart/form-data"),
    ],
)
def test_what_is_no_whole_multipart_with_a_file_is_refused(server, body, content_type):
    answer = server.post("/batch/upload", content=body, headers={"content-type": content_type})

    assert_problem(answer, 422)
    assert (hidden(server.rig), server.rig.left()) == ([], [])


def test_a_client_that_vanishes_in_the_middle_leaves_nothing(server):
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(
            b"POST /batch/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.xml"\r\n\r\n<nfe'
        )
        eventually(lambda: hidden(server.rig), "the upload has begun")

    eventually(lambda: not hidden(server.rig), "the upload is gone")
    assert server.rig.left() == []
    assert server.get("/healthz").status_code == 200
    assert server.daemon.noise() == []


def test_a_half_sent_file_is_not_taken_for_one(server):
    """It lies hidden in the folder while scans go on."""
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(
            b"POST /batch/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.xml"\r\n\r\n<nfe'
        )
        eventually(lambda: hidden(server.rig), "the upload has begun")
        job = server.ended(server.post("/batch/upload").json()["job_id"])

    assert job["total_files"] == 0


def test_what_a_killed_daemon_left_hidden_is_taken_away_at_the_start(rig):
    (rig.folder / f"{PREFIX}0123456789abcdef").write_bytes(b"<nfe")

    with served(rig):
        eventually(lambda: not hidden(rig))

    assert rig.left() == []
