"""What a worker makes of archives, hostile ones above all."""

import gzip
import io
import json
import os
import struct
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from daemon.core.archive import ArchiveLimits, Listing, Member, kept_name
from daemon.core.arrival import Arrival
from daemon.core.outcome import Deferred, Reason, Refused, refusal
from daemon.core.ports import Fate, Reading
from daemon.documents.policy import Checks
from daemon.errors import NotFiscal
from daemon.flow.members import ListArchive, MemberBytes, Members, ReadMembers
from daemon.flow.reading import WorkerSettings
from daemon.intake.folder import is_candidate
from daemon.intake.shelves import FolderShelves
from tests.archives import encrypted, zipped
from tests.notes import note

LIMITS = ArchiveLimits(max_bytes=1 << 20, max_unpacked_bytes=4 << 20, max_members=50, max_ratio=100)
SETTINGS = WorkerSettings(Checks(), max_file_bytes=1 << 20, memory_bytes=1 << 30, archives=LIMITS)
XML = note(1)


class Box:
    """An archive on the disk and the worker's answers about it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "a.zip"
        self.members = Members(SETTINGS)

    def put(self, content: bytes, name: str = "a.zip") -> None:
        self._path = self._path.with_name(name)
        self._path.write_bytes(content)

    @property
    def at(self) -> tuple[str, tuple[int, int, int, int]]:
        status = os.stat(self._path)
        version = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return str(self._path), version

    def listing(self) -> Listing | Refused | Deferred:
        return self.members.listing(ListArchive(*self.at))

    def listed(self) -> dict[str, str | None]:
        """Every member, and why it cannot be opened."""
        listing = self.listing()
        assert isinstance(listing, Listing)
        return {each.path: each.refused and each.refused.error_type for each in listing.members}

    def all_read(self) -> list[Reading]:
        listing = self.listing()
        found = listing.members if isinstance(listing, Listing) else ()
        return self.members.readings(ReadMembers(*self.at, found))

    def why(self) -> tuple[str, str]:
        """The type and the text of the refusal of the whole."""
        listing = self.listing()
        assert isinstance(listing, Refused)
        return listing.error_type, listing.error


@pytest.fixture
def box(tmp_path):
    box = Box(tmp_path)
    yield box
    box.members.close()


def test_a_zip_in_a_zip_is_opened_and_one_in_that_is_refused_by_itself(box):
    third = zipped([("c.xml", XML)])
    second = zipped([("b.xml", XML), ("third.zip", third), ("p.zip.gz", gzip.compress(third))])
    box.put(zipped([("second.zip", second), ("a.xml", XML)]))

    assert box.listed() == {
        "a.zip!second.zip!b.xml": None,
        "a.zip!second.zip!third.zip": "ArchiveTooDeep",
        "a.zip!second.zip!p.zip.gz": "ArchiveTooDeep",
        "a.zip!a.xml": None,
    }
    listing = box.listing()
    assert isinstance(listing, Listing)
    refused = box.members.answer(MemberBytes(*box.at, listing.members[1]))
    assert refused == third


def test_an_archive_that_holds_itself_ends_at_the_second_level(box):
    """Zip quines unpack to themselves for ever."""
    quine = zipped([("r.zip", zipped([("r.zip", zipped([("r.zip", b"PK\x05\x06")]))]))])
    box.put(quine)

    assert box.listed() == {"a.zip!r.zip!r.zip": "ArchiveTooDeep"}


@pytest.mark.parametrize(
    ("inner", "error_type"),
    [
        (zipped([("b.xml", XML)])[:-30], "ArchiveTruncated"),
        (encrypted(zipped([("b.xml", XML)])), "ArchiveEncrypted"),
        (b"no zip", "ArchiveDamaged"),
        (b"", "ArchiveTruncated"),
    ],
)
def test_an_inner_zip_that_cannot_be_opened_costs_only_itself(box, inner, error_type):
    box.put(zipped([("inner.zip", inner), ("a.xml", XML)]))

    assert box.listed() == {"a.zip!inner.zip": error_type, "a.zip!a.xml": None}
    first, second = box.all_read()
    assert isinstance(first.result, Refused)
    assert isinstance(second.result, tuple)


@pytest.mark.parametrize(
    ("content", "setting"),
    [
        (zipped([("a.xml", b" " * 3_000_000)]), "max_archive_ratio"),
        (zipped([(f"{n}.xml", os.urandom(99_000)) for n in range(11)]), "max_archive_bytes"),
        (zipped([(f"{n}.xml", b"<a/>") for n in range(51)]), "max_archive_members"),
        (
            zipped([(f"{n}.xml", os.urandom(2_000) + bytes(170_000)) for n in range(25)]),
            "max_archive_unpacked_bytes",
        ),
        (
            zipped([(f"{n}.zip", zipped([("a.xml", b"<a/>")] * 26)) for n in range(2)]),
            "max_archive_members",
        ),
        (
            zipped([("a.zip", zipped([("a.xml", b" " * 3_000_000)]))]),
            "max_archive_ratio",
        ),
        (
            zipped([(f"{n}.zip", os.urandom(9_000) + bytes(270_000)) for n in range(4)]),
            "max_archive_bytes",
        ),
        (zipped([(f"{n}{'x' * 60_000}", b"") for n in range(3)]), "max_archive_members"),
    ],
)
def test_what_asks_for_too_much_is_refused_whole_naming_the_setting(box, content, setting):
    box.put(content)

    error_type, error = box.why()

    assert error_type == "ArchiveTooLarge"
    assert setting in error


def test_a_gz_that_swells_is_refused(box):
    box.put(gzip.compress(bytes(900_000_000 // 100)), "a.xml.gz")

    assert box.why()[0] == "FileTooLarge"


def test_a_gz_that_swells_inside_a_zip_costs_only_itself(box):
    box.put(zipped([("a.xml.gz", gzip.compress(bytes(9_000_000))), ("b.xml", XML)]))

    first, second = box.all_read()

    assert isinstance(first.result, Refused)
    assert first.result.error_type == "FileTooLarge"
    assert isinstance(second.result, tuple)


def test_a_member_that_declares_less_than_it_holds_gives_no_more_than_it_declares(box):
    """The size in the headers is a claim; what is unpacked never passes it."""
    content = bytearray(zipped([("a.xml", bytes(1_000_000))]))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", content, content.index(signature) + at, 10)
    box.put(bytes(content))

    (reading,) = box.all_read()

    assert isinstance(reading.result, Refused)
    assert reading.result.error_type == "ArchiveDamaged"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_that_has_no_bound_is_not_unpacked(box, method):
    box.put(zipped([("a.xml", XML)], method))

    assert box.listed() == {"a.zip!a.xml": "ArchiveDamaged"}


@pytest.mark.parametrize("cut", [1, 3, 4, 200, -1, -10, -22, -23, -60])
def test_a_zip_cut_anywhere_waits_for_its_end(box, cut):
    box.put(zipped([("b.zip", zipped([("b.xml", XML)])), ("a.xml", XML)])[:cut])

    listing = box.listing()

    assert isinstance(listing, Deferred)
    assert listing.reason is Reason.INCOMPLETE


def test_a_zip_cut_just_after_a_zip_inside_it_waits_for_its_end(box):
    """The end of the inner one then stands where that of the outer would."""
    inner = zipped([("b.xml", XML)])
    whole = zipped([("b.zip", inner), ("a.xml", XML)], zipfile.ZIP_STORED)
    box.put(whole[: whole.index(inner) + len(inner)])

    listing = box.listing()

    assert isinstance(listing, Deferred)
    assert listing.reason is Reason.INCOMPLETE


def test_a_zip_with_64_bit_sizes_is_read(box):
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w") as archive,
        archive.open("a.xml", "w", force_zip64=True) as member,
    ):
        member.write(XML)
    box.put(buffer.getvalue())

    (reading,) = box.all_read()

    assert isinstance(reading.result, tuple)


def test_a_name_that_claims_to_be_utf_8_and_is_not_is_damage(box):
    content = zipped([("é.xml", XML)]).replace("é".encode(), b"\xff\xfe")
    box.put(content)

    assert box.why()[0] == "ArchiveDamaged"


def test_an_archive_that_was_replaced_is_not_read_on(box):
    box.put(zipped([("a.xml", XML)]))
    at = box.at
    listing = box.listing()
    assert isinstance(listing, Listing)
    box.put(zipped([("b.xml", b"<b/>"), ("c.xml", b"<c/>")]))

    (reading,) = box.members.readings(ReadMembers(*at, listing.members))

    assert isinstance(reading.result, Deferred)
    assert reading.result.reason is Reason.CHANGED


WHOLE = zipped(
    [
        ("a.xml", b"<a/>"),
        ("b.zip", zipped([("b.xml", b"<b/>"), ("c.xml.gz", gzip.compress(b"<c/>"))])),
        ("d.xml.gz", gzip.compress(b"<d/>")),
    ]
)


@settings(
    max_examples=1500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6
    ),
    cut=st.integers(0, len(WHOLE)),
    packed=st.booleans(),
)
@example(changes=[(0, 0x50)], cut=len(WHOLE), packed=False)
def test_no_damage_costs_a_worker(box, changes, cut, packed):
    damaged = bytearray(WHOLE)
    for at, byte in changes:
        damaged[at] = byte
    content = bytes(damaged[:cut])
    box.put(
        gzip.compress(content, 0)[: cut + 9] if packed else content,
        "a.zip.gz" if packed else "a.zip",
    )

    listing = box.listing()

    assert isinstance(listing, Listing | Refused | Deferred)
    if isinstance(listing, Refused):
        assert listing.error_type != "UnexpectedContent", listing.error
    for reading in box.all_read():
        assert isinstance(reading.result, tuple | Refused)
        if isinstance(reading.result, Refused):
            assert reading.result.error_type != "UnexpectedContent", reading.result.error


@given(st.text())
@example("../../etc/x.xml")
@example("a.zip!.error.json")
@example("\0")
@example("x" * 300 + ".zip")
@example("\ud800.xml")
def test_a_kept_name_is_harmless_and_is_taken_when_it_is_put_back(path):
    name = kept_name(path)

    assert is_candidate(name)
    assert not name.endswith(".error.json")
    assert not set(name) & set("/\\\0\n")
    assert len(os.fsencode(name)) <= 240


async def test_a_refused_member_is_written_once_however_often_it_is_asked_for(tmp_path):
    shelves = FolderShelves(tmp_path, "")
    failed = tmp_path / "failed"

    def fate(path: str) -> Fate:
        arrival = Arrival(path, 1, 1, 1, 1)
        refused = refusal(NotFiscal(f"of {path}"))
        return Fate(arrival, Reading(refused), refused, datetime.now().astimezone())

    for _ in range(2):
        assert await shelves.keep_member(fate("a.zip!x/n.xml"), b"<one/>", "job")
        assert await shelves.keep_member(fate("a.zip!y/n.xml"), b"<two/>", "job")
    shelves.close()

    assert sorted(path.name for path in failed.iterdir()) == [
        "n.2.xml",
        "n.2.xml.error.json",
        "n.xml",
        "n.xml.error.json",
    ]
    assert (failed / "n.2.xml").read_bytes() == b"<two/>"
    assert json.loads((failed / "n.2.xml.error.json").read_bytes())["error"] == "of a.zip!y/n.xml"


def test_a_member_that_is_out_of_reach_has_no_bytes(box):
    box.put(zipped([("a.xml", XML)]))

    assert box.members.answer(MemberBytes(*box.at, Member("a.zip!z.xml", (7,), 1))) is None
