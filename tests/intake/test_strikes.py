"""Strikes against files outlive a job and a daemon."""

from nfed.core.arrival import Arrival
from nfed.intake.strikes import NAME, FolderStrikes


def arrival(path: str = "a.xml", size: int = 1) -> Arrival:
    return Arrival(path, 1, size, 2, 3)


def test_strikes_are_counted_on_after_a_restart(tmp_path):
    FolderStrikes(tmp_path).add(arrival())
    FolderStrikes(tmp_path).add(arrival("b\udce7.xml"))

    again = FolderStrikes(tmp_path)

    assert [again.add(arrival()), again.add(arrival("b\udce7.xml"))] == [2, 2]


def test_another_version_of_the_file_begins_anew(tmp_path):
    strikes = FolderStrikes(tmp_path)
    strikes.add(arrival())

    assert strikes.add(arrival(size=2)) == 1


def test_nothing_is_left_once_every_file_has_ended(tmp_path):
    strikes = FolderStrikes(tmp_path)
    strikes.add(arrival())
    assert (tmp_path / NAME).exists()

    strikes.forget([arrival("other.xml"), arrival()])

    assert list(tmp_path.iterdir()) == []
    assert FolderStrikes(tmp_path).add(arrival()) == 1


def test_a_damaged_file_of_strikes_costs_only_what_it_held(tmp_path):
    (tmp_path / NAME).write_bytes(b"\xff\x00 not json\n")

    assert FolderStrikes(tmp_path).add(arrival()) == 1


def test_strikes_that_cannot_be_written_count_all_the_same(tmp_path):
    strikes = FolderStrikes(tmp_path / "gone")

    assert [strikes.add(arrival()), strikes.add(arrival())] == [1, 2]
