"""HTTP answers in the language of Accept-Language; without one, in English."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Rig
from tests.support.served import Served, served

PORTUGUESE = {"Accept-Language": "en;q=0.4, pt-BR, fr"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with Rig(tmp_path) as rig:
        (rig.home / "allowed").mkdir()
        with served(rig, upload_roots=f"{rig.home}/allowed") as server:
            yield server


def test_reasons_and_problems_are_told_in_the_language_that_is_asked_for(server):
    folder = server.rig.home / "allowed"
    (folder / "pagina.xml").write_text("<html/>")
    started = server.post("/batch/upload", params={"folder_path": str(folder)})
    job_id = started.json()["job_id"]
    server.ended(job_id)

    english = server.get(f"/batch/status/{job_id}")
    portuguese = server.get(f"/batch/status/{job_id}", headers=PORTUGUESE)
    (file,) = server.get(f"/batch/jobs/{job_id}/files", headers=PORTUGUESE).json()["files"]

    assert "is no fiscal document" in english.json()["errors"][0]["error"]
    assert "não é documento fiscal" in portuguese.json()["errors"][0]["error"]
    assert portuguese.json()["errors"][0]["error_type"] == "NotFiscalDocument"
    assert "não é documento fiscal" in file["error"]
    assert portuguese.headers["vary"] == "Accept-Language"
