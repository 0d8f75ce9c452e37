"""What an operator finds with journalctl: fields, catalog, and every line."""

import pytest

from bench.generator import Note
from nfed.logs.events import EVENTS
from tests.support.harness import eventually, notes
from tests.system.service import Service

REFUSED = EVENTS["file_processing_failed"].message_id


def test_files_and_jobs_are_found_by_their_fields(service: Service):
    good = notes(3)
    service.drop(good)
    service.finishes(good)
    machine = service.machine

    (imported,) = machine.journal("-unfed", f"CHAVE={good[0].chave}")
    of_job = machine.journal("-unfed", f"JOB_ID={imported['JOB_ID']}")

    assert imported["FILE"] == good[0].name
    assert imported["OUTCOME"] == "imported"
    assert imported["CODE_FILE"].endswith(".py")
    assert imported["SYSLOG_IDENTIFIER"] == "nfed"
    assert {each.name for each in good} <= {each.get("FILE") for each in of_job}
    assert of_job[-1]["EVENT"] == "batch_processing_completed"
    listed = machine.said("journalctl", "-unfed", "--field=JOB_ID")
    assert imported["JOB_ID"] in listed.splitlines()


def test_the_catalog_says_what_to_do_in_two_languages(service: Service):
    service.machine.path(f"{service.folder}/lixo.xml").write_text("lixo")
    eventually(lambda: "lixo.xml" in service.failed(), "is refused")
    service.machine.run("journalctl", "--sync")
    ask = ("journalctl", "--catalog", "--no-pager", "-unfed", f"MESSAGE_ID={REFUSED}")

    english = service.machine.said(*ask)
    portuguese = service.machine.said(*ask, environment={"LC_ALL": "pt_BR.UTF-8"})

    assert "Subject: A file was refused" in english
    assert "lixo.xml is itself at fault" in english
    assert "nfed retry" in english
    assert "Subject: Um arquivo foi recusado" in portuguese


def test_only_what_is_wrong_has_an_error_priority(service: Service):
    good = notes(2)
    service.drop(good)
    service.finishes(good)

    assert service.machine.journal("--boot", "-unfed", "-perr") == []

    service.configure(workers=-1)
    service.machine.systemctl("reload", "nfed.service", check=False)

    errors = service.machine.journal("--boot", "-unfed", "-perr")
    (wrong,) = [each for each in errors if "EVENT" in each]  # beside systemd's own, "Reload failed"
    assert wrong["EVENT"] == "settings_refused"


@pytest.fixture
def frugal_journal(service: Service) -> Service:
    """A journal that keeps few lines, unless the unit says otherwise."""
    service.machine.write(
        "/etc/systemd/journald.conf.d/few.conf",
        "[Journal]\nRateLimitIntervalSec=1h\nRateLimitBurst=10\n",
    )
    service.machine.systemctl("restart", "systemd-journald.service")
    return service


def test_a_line_for_each_file_is_kept(frugal_journal: Service, many: list[Note]):
    service = frugal_journal
    service.configure(log_files="always")
    service.restart()

    service.drop(many)

    service.finishes(many)
    logged = service.machine.journal("--boot", "-unfed", "EVENT=file_processed_successfully")
    assert {each["FILE"] for each in logged} == {each.name for each in many}


def test_a_journal_that_stands_still_does_not_stop_the_import(service: Service, many: list[Note]):
    service.configure(log_files="always")
    service.restart()
    machine = service.machine
    machine.systemctl("kill", "--signal=SIGSTOP", "systemd-journald.service")

    service.drop(many)

    service.finishes(many)
    machine.systemctl("kill", "--signal=SIGCONT", "systemd-journald.service")
    eventually(
        lambda: len(machine.journal("--boot", "EVENT=file_processed_successfully")) == len(many),
        "all lines are written late, none is lost",
    )
    assert service.restarts() == 0
