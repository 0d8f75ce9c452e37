"""Archives dropped into the folder of a real daemon."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archives import zipped
from tests.harness import Rig, note, truncated


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def outcomes(rig: Rig) -> dict[str, str]:
    """Every name in the ledger, and how it ended."""
    return {str(n): str(o) for n, o in rig.history("select name, outcome from files order by id")}


def the_job(rig: Rig) -> tuple[object, ...]:
    """Total, imported, duplicate, refused, deferred of the only job."""
    (row,) = rig.history(
        "select total_files, imported, duplicate, refused, deferred from jobs where total_files > 0"
    )
    return row


def test_every_member_of_a_zip_is_a_file_of_its_own(rig):
    good, broken, late = note(1), b"<a>no note</a>", truncated(5)
    inner = zipped([("deep/inner.xml", note(2).xml), ("leia-me.txt", b"?")])
    rig.drop(
        zipped(
            [
                ("notas/boa.xml", good.xml),
                ("notas/ruim.xml", broken),
                ("notas/curta.xml", late),
                ("leia-me.txt", b"ola"),
                ("dentro.zip", inner),
                ("três.xml.gz", gzip.compress(note(3).xml)),
                ("notas/", b""),
            ]
        ),
        "lote.zip",
    )

    daemon = rig.once()

    assert outcomes(rig) == {
        "lote.zip!notas/boa.xml": "imported",
        "lote.zip!notas/ruim.xml": "refused",
        "lote.zip!notas/curta.xml": "refused",
        "lote.zip!dentro.zip!deep/inner.xml": "imported",
        "lote.zip!três.xml.gz!três.xml": "imported",
        "lote.zip": "unpacked",
    }
    assert the_job(rig) == (5, 3, 0, 2, 0)
    assert rig.chaves() == sorted(note(n).chave for n in (1, 2, 3))
    assert rig.done() == ["lote.zip"]
    assert rig.failed() == [
        "curta.xml",
        "curta.xml.error.json",
        "ruim.xml",
        "ruim.xml.error.json",
    ]
    assert (rig.folder / "failed" / "ruim.xml").read_bytes() == broken
    assert rig.reason("ruim.xml")["file"] == "lote.zip!notas/ruim.xml"
    assert rig.reason("curta.xml")["error_type"] == "XMLParseError"
    (said,) = daemon.events("archive_unpacked")
    assert (said["members"], said["refused"], said["ignored"]) == (5, 2, 2)
    assert daemon.noise() == []
