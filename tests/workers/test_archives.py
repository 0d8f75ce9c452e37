"""What a worker makes of archives, hostile ones above all."""

import gzip
import inspect
import io
import json
import os
import re
import struct
import tarfile
import zipfile
import zlib
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import rarfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nfed.core.archive import ArchiveLimits, Listing, Member, kept_name
from nfed.core.arrival import Arrival
from nfed.core.outcome import Deferred, Reason, Refused, refusal
from nfed.core.ports import Fate, Reading
from nfed.documents.checks import Checks
from nfed.errors import ArchiveBeyondReach, ArchiveError, NotFiscal
from nfed.intake.left_alone import is_candidate
from nfed.intake.shelves import FolderShelves
from nfed.settings.model import Settings
from nfed.workers import archives, containers
from nfed.workers.containers import on_disk
from nfed.workers.members import ListArchive, MemberBytes, Members, ReadMembers
from nfed.workers.read import WorkerSettings
from tests.support.archives import encrypted, mailed, rarred, seven_zipped, tarred, zipped
from tests.support.notes import note

LIMITS = ArchiveLimits(max_bytes=1 << 20, max_unpacked_bytes=4 << 20, max_members=50, max_ratio=100)
SETTINGS = WorkerSettings(Checks(), max_file_bytes=1 << 20, memory_bytes=1 << 30, archives=LIMITS)
XML = note(1)
RANDOM = os.urandom(300_000)
PACKERS = {
    ".zip": zipped,
    ".tar": tarred,
    ".tar.gz": lambda members: tarred(members, "w:gz"),
    ".tgz": lambda members: tarred(members, "w:gz"),
    ".7z": seven_zipped,
    ".rar": rarred,
    ".eml": mailed,
}
"""Every kind that holds files under names of their own."""


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


@pytest.fixture(params=PACKERS)
def kind(request):
    return request.param


def test_every_kind_of_archive_gives_its_members_and_names_the_rest(box, kind):
    box.put(PACKERS[kind]([("a.xml", XML), ("DANFE.pdf", b"%PDF"), ("b.xml", note(2))]), f"x{kind}")

    listing = box.listing()
    assert isinstance(listing, Listing)
    assert [each.path for each in listing.members] == [f"x{kind}!a.xml", f"x{kind}!b.xml"]
    assert (listing.ignored, listing.ignored_names) == (1, ("DANFE.pdf",))
    assert all(isinstance(each.result, tuple) for each in box.all_read())
    again = box.members.answer(MemberBytes(*box.at, listing.members[0]))
    assert again == XML


def test_every_kind_of_archive_is_opened_inside_another(box, kind):
    inner = PACKERS[kind]([("b.xml", XML)])
    box.put(zipped([(f"in{kind}", inner), ("a.xml", note(2))]))

    assert box.listed() == {f"a.zip!in{kind}!b.xml": None, "a.zip!a.xml": None}
    assert all(isinstance(each.result, tuple) for each in box.all_read())


@pytest.mark.parametrize("inner", sorted(set(PACKERS) - {".zip"}))
def test_every_kind_of_archive_is_refused_two_levels_down(box, inner, kind):
    deep = zipped([(f"deep{inner}", PACKERS[inner]([("b.xml", XML)]))])
    box.put(PACKERS[kind]([("z.zip", deep)]), f"x{kind}")

    assert box.listed() == {f"x{kind}!z.zip!deep{inner}": "ArchiveTooDeep"}


def test_an_archive_inside_that_yields_nothing_is_refused_by_itself(box, kind):
    box.put(zipped([(f"in{kind}", PACKERS[kind]([("x.pdf", b"%PDF")])), ("a.xml", XML)]))

    assert box.listed() == {f"a.zip!in{kind}": "ArchiveWithoutDocuments", "a.zip!a.xml": None}


def test_every_kind_of_archive_is_held_to_the_number_of_members(box, kind):
    box.put(PACKERS[kind]([(f"{n}.xml", b"<a/>") for n in range(51)]), f"x{kind}")

    error_type, error = box.why()

    assert error_type == "ArchiveTooLarge"
    assert "max_archive_members" in error


@pytest.mark.parametrize("kind", [".zip", ".tar.gz", ".tgz", ".7z"])
def test_every_kind_of_archive_is_held_to_the_ratio(box, kind):
    members = [(f"{n}.xml", b" " * 500_000) for n in range(6)]
    box.put(PACKERS[kind](members), f"x{kind}")

    error_type, error = box.why()

    assert error_type == "ArchiveTooLarge"
    assert "max_archive_ratio" in error


def test_every_kind_of_archive_is_held_to_what_it_unpacks_to(box, kind):
    limits = ArchiveLimits(max_bytes=9 << 20, max_unpacked_bytes=500_000, max_members=50)
    settings_ = WorkerSettings(Checks(), 1 << 20, 1 << 30, archives=limits)
    box.put(PACKERS[kind]([("a.xml", RANDOM), ("b.xml", RANDOM)]), f"x{kind}")
    members = Members(settings_)

    listing = members.listing(ListArchive(*box.at))
    members.close()

    assert isinstance(listing, Refused)
    assert listing.error_type == "ArchiveTooLarge"
    assert "max_archive_unpacked_bytes" in listing.error


def test_a_large_member_of_any_kind_costs_only_itself(box, kind):
    large = zipped([], 0) + os.urandom(1_100_000)
    limits = ArchiveLimits(max_bytes=9 << 20, max_unpacked_bytes=9 << 20)
    members = Members(WorkerSettings(Checks(), 1 << 20, 1 << 30, archives=limits))
    box.put(PACKERS[kind]([("a.xml", large), ("b.xml", XML)]), f"x{kind}")

    listing = members.listing(ListArchive(*box.at))
    assert isinstance(listing, Listing)
    first, second = members.readings(ReadMembers(*box.at, listing.members))
    members.close()

    assert isinstance(first.result, Refused)
    assert first.result.error_type == "FileTooLarge"
    assert isinstance(second.result, tuple)


def test_links_and_devices_in_a_tar_are_named_and_left_alone(box):
    link, hard, device, pipe = (tarfile.TarInfo(name) for name in ("l.xml", "h.xml", "d.xml", "p"))
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard.type, hard.linkname = tarfile.LNKTYPE, "a.xml"
    device.type, pipe.type = tarfile.CHRTYPE, tarfile.FIFOTYPE
    box.put(tarred([("../../a.xml", XML), link, hard, device, pipe]), "x.tar")

    listing = box.listing()

    assert isinstance(listing, Listing)
    assert [each.path for each in listing.members] == ["x.tar!../../a.xml"]
    assert listing.ignored_names == (
        "l.xml (a link)",
        "h.xml (a link)",
        "d.xml (a device)",
        "p (a device)",
    )


def test_a_link_in_a_zip_is_named_and_left_alone(box):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("l.xml")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("a.xml", XML)
    box.put(buffer.getvalue())

    listing = box.listing()

    assert isinstance(listing, Listing)
    assert [each.path for each in listing.members] == ["a.zip!a.xml"]
    assert listing.ignored_names == ("l.xml (a link)",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.zip", encrypted(zipped([("a.xml", XML)]))),
        ("x.7z", seven_zipped([("a.xml", XML)], password="segredo")),
        ("x.rar", rarred([("a.xml", XML)], flags=0x04)),
    ],
    ids=["zip", "7z", "rar"],
)
def test_a_password_is_said(box, name, content):
    box.put(content, name)

    listing = box.listing()

    assert isinstance(listing, Refused)
    assert listing.error_type == "ArchiveEncrypted"
    assert "password" in listing.advice


@pytest.mark.parametrize("cut", [0, 1, 300, 511, 700, -1024, -1])
def test_a_tar_cut_anywhere_waits_for_its_end(box, cut):
    """What comes before the blocks of zeros is whole, and nobody can know."""
    whole = tarred([("a.xml", XML), ("b.xml", note(2))])
    end = len(whole.rstrip(b"\0"))
    box.put(whole[:end][: cut or None] if cut <= 0 else whole[:cut], "x.tar")

    listing = box.listing()

    assert isinstance(listing, Deferred)
    assert listing.reason is Reason.INCOMPLETE


@pytest.mark.parametrize("cut", [0, 100, -9])
def test_a_tar_gz_cut_anywhere_waits_for_its_end(box, cut):
    whole = tarred([("a.xml", XML), ("b.xml", note(2))], "w:gz")
    box.put(whole[:cut], "x.tar.gz")

    listing = box.listing()

    assert isinstance(listing, Deferred)
    assert listing.reason is Reason.INCOMPLETE


def test_a_mail_whose_last_boundary_is_missing_waits_for_its_end(box):
    whole = mailed([("a.xml", XML)])
    box.put(whole[: len(whole) * 2 // 3], "x.eml")

    listing = box.listing()

    assert isinstance(listing, Deferred)
    assert listing.reason is Reason.INCOMPLETE


def test_the_attachments_of_a_forwarded_mail_are_found(box):
    outer = EmailMessage()
    outer["From"] = "a@example.com"
    outer.set_content("veja abaixo")
    outer.add_attachment(message_from_bytes(mailed([("a.xml", XML)]), policy=policy.default))
    box.put(outer.as_bytes(), "x.eml")

    assert box.listed() == {"x.eml!a.xml": None}


@pytest.mark.parametrize("name", ["x.7z", "x.rar", "x.tar", "x.eml"])
def test_what_is_no_archive_is_refused_as_damaged(box, name):
    box.put(b"GIF89a no archive at all" * 100, name)

    assert box.why()[0] == "ArchiveDamaged"


def test_a_packed_rar_says_which_program_is_missing(box, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(rarfile, "CURRENT_SETUP", None)
    box.put(rarred([("a.xml", XML)], method=0x33), "x.rar")

    (reading,) = box.all_read()

    assert isinstance(reading.result, Refused)
    assert reading.result.error_type == "ArchiveNotSupported"
    assert "unrar or bsdtar" in reading.result.error


def test_a_7z_that_asks_for_much_memory_is_refused(box):
    content = bytearray(seven_zipped([("a.xml", XML)], plain_header=True))
    content[content.rindex(b"\x21\x21\x01") + 3] = 38  # LZMA2, whose one property is 2 GiB
    header = bytes(content[-struct.unpack_from("<Q", content, 20)[0] :])
    struct.pack_into("<L", content, 28, zlib.crc32(header))
    struct.pack_into("<L", content, 8, zlib.crc32(bytes(content[12:32])))
    box.put(bytes(content), "x.7z")

    error_type, error = box.why()

    assert error_type == "ArchiveTooLarge"
    assert "2,147,483,648 bytes of memory" in error
    assert box.listing().advice == ArchiveBeyondReach.advice
    assert "No setting" in ArchiveBeyondReach.advice


def test_an_archive_inside_with_more_than_it_is_listed_with_is_damaged():
    """No setting would help, so none is spoken of."""
    with pytest.raises(
        ArchiveError, match="more than the 3 bytes that it is listed with"
    ) as raised:
        on_disk(io.BytesIO(b"1234"), 3, None)

    assert raised.value.error_type == "ArchiveDamaged"
    assert "setting" not in raised.value.advice


def test_the_settings_that_advice_speaks_of_are_there():
    """What says `raise the setting that is named` names one."""
    text = inspect.getsource(containers) + inspect.getsource(archives)
    named = set(re.findall(r"max_archive_[a-z]+(?:_bytes)?", text))

    assert {"max_archive_bytes", "max_archive_members"} <= named <= Settings.model_fields.keys()
    raised = re.findall(r"ArchiveTooLarge\(\s*Message\((.*?)\)\s*\)", text, re.DOTALL)
    assert len(raised) >= 6
    assert [each for each in raised if "max_archive_" not in each and "{setting}" not in each] == []


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nota.zip", XML, "begins as XML"),
        ("nota.xml.gz", XML, "begins as XML"),
        ("nota.gz", zipped([("a.xml", XML)]), "begins as a .zip"),
        ("nota.zip", gzip.compress(XML, mtime=0), "begins as a .gz"),
        ("nota.tar", tarred([("a.xml", XML)], "w:gz"), "begins as a .gz"),
        ("nota.7z", zipped([("a.xml", XML)]), "begins as a .zip"),
    ],
    ids=range(6),
)
def test_an_archive_under_another_name_says_what_it_is_and_by_content_it_is_read(
    box, name, content, says
):
    box.put(content, name)
    taken = Members(replace(SETTINGS, by_content=True))

    error_type, error = box.why()
    listing = taken.listing(ListArchive(*box.at))

    assert (error_type, says in error) == ("MisnamedFile", True)
    if content is not XML:  # which is not read as an archive then, see the folder's tests
        assert isinstance(listing, Listing)
        (reading,) = taken.readings(ReadMembers(*box.at, listing.members))
        assert isinstance(reading.result, tuple)
    taken.close()


def test_the_name_beside_the_name_is_believed_where_it_is_of_that_one(box):
    """Info-ZIP writes the UTF-8 name into an extra field (APPNOTE.TXT 4.6.9)."""
    raw = b"nota \x87.xml"
    said = struct.pack("<BL", 1, zlib.crc32(raw)) + "nota ç!.xml".encode()
    info = zipfile.ZipInfo("nota X.xml")
    info.extra = struct.pack("<HH", 0x7075, len(said)) + said
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, XML)
    box.put(buffer.getvalue().replace(b"nota X.xml", raw))

    assert box.listed() == {"a.zip!nota ç!.xml": None}


@pytest.mark.parametrize(("raw", "name"), [(b"a\x87\xc6o", "ação"), ("ação".encode(), "ação")])
def test_a_name_without_the_flag_is_utf_8_where_it_can_be_and_else_cp850(box, raw, name):
    placeholder = "X" * len(raw)
    box.put(zipped([(f"{placeholder}.xml", XML)]).replace(placeholder.encode(), raw))

    assert box.listed() == {f"a.zip!{name}.xml": None}
