"""An authorised note takes the place of a draft: what the folder, the log and the ledger say."""

import json
import sqlite3
from contextlib import closing

from tests.support.cases import case
from tests.support.cli_command import AT_ONCE, nfed

DRAFT, AUTHORISED = "01a-bare-rejected.xml", "01b-proc-authorised.xml"


def drop(home, name):
    (home / "xml_nf").mkdir(exist_ok=True)
    (home / "xml_nf" / name).write_bytes(case(name))
    return nfed(home, "run", "--once", **AT_ONCE, NFED_LOG_FORMAT="json")


def files(home):
    with closing(sqlite3.connect(home / "nfed-ledger.db")) as ledger:
        return {
            name: (outcome, json.loads(warnings or "[]"))
            for name, outcome, warnings in ledger.execute(
                "select name, outcome, warnings from files order by id"
            )
        }


def lying(home, shelf):
    return sorted(path.name for path in (home / "xml_nf" / shelf).rglob("*.xml"))


def test_the_draft_stays_in_done_and_log_and_ledger_say_by_which_file_it_was_superseded(tmp_path):
    drop(tmp_path, DRAFT)
    said = drop(tmp_path, AUTHORISED)

    assert lying(tmp_path, "done") == [DRAFT, AUTHORISED]
    (told,) = [
        json.loads(line) for line in said.stderr.splitlines() if "document_superseded" in line
    ]
    assert (told["context"]["file"], told["context"]["superseded_by"]) == (DRAFT, AUTHORISED)
    found = files(tmp_path)
    outcome, warnings = found[DRAFT]
    assert outcome == "imported"
    assert [(code, AUTHORISED in text) for code, text in warnings][-1] == ("AUT-SUPERSEDED", True)
    outcome, warnings = found[AUTHORISED]
    assert outcome == "updated"
    assert any(code == "AUT-SUPERSEDES" and DRAFT in text for code, text in warnings)


def test_a_draft_that_comes_later_goes_to_failed_with_the_name_of_the_authorised_one(tmp_path):
    drop(tmp_path, AUTHORISED)
    drop(tmp_path, DRAFT)

    assert lying(tmp_path, "done") == [AUTHORISED]
    assert lying(tmp_path, "failed") == [DRAFT]
    reason = json.loads(next((tmp_path / "xml_nf/failed").glob("*.error.json")).read_text())
    assert reason["error_type"] == "ConflictingDocument"
    assert f"superseded by the authorised note from '{AUTHORISED}'" in reason["error"]


def test_both_in_one_batch_end_alike_whatever_their_names(tmp_path):
    for home, names in ((tmp_path / "a", ("1.xml", "2.xml")), (tmp_path / "b", ("2.xml", "1.xml"))):
        (home / "xml_nf").mkdir(parents=True)
        for name, file in zip(names, (DRAFT, AUTHORISED), strict=True):
            (home / "xml_nf" / name).write_bytes(case(file))
        nfed(home, "run", "--once", **AT_ONCE)

        assert lying(home, "failed") == [names[0]]
        assert lying(home, "done") == [names[1]]
