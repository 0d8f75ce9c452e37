"""From `apt install` to the first note."""

import json
import re

from tests.support.harness import eventually, note, notes
from tests.system.conftest import Installed
from tests.system.service import FOLDER, Service


def test_apt_ends_with_a_check_and_the_next_step(installed: Installed):
    tail = "\n".join(installed.said.splitlines()[-14:])

    assert re.search(r"^ok +configuration: set by nfed.toml", tail, re.MULTILINE), installed.said
    assert re.search(r"^ok +folder: /srv/nfe/xml_nf is being worked on by", tail, re.MULTILINE)
    assert re.search(r"^ok +database: /var/lib/nfed/nfed.db", tail, re.MULTILINE)
    assert not re.search(r"^(FAIL|WARN)", installed.said, re.MULTILINE), installed.said
    assert "copy NF-e and NFC-e files to /srv/nfe/xml_nf" in tail


def test_it_is_up_under_its_own_user_with_no_rights(service: Service):
    machine = service.machine
    process = machine.path(f"/proc/{service.main_pid()}/status").read_text()
    rights = dict(re.findall(r"^(\w+):\s+(.*)$", process, re.MULTILINE))

    assert machine.show("nfed.service", "Type") == "notify-reload"
    assert machine.show("nfed.service", "WatchdogUSec") == "1min"
    assert machine.show("nfed.service", "OOMPolicy") == "continue"
    assert machine.show("nfed.service", "MemoryMax").isdecimal()
    assert machine.show("nfed.service", "TasksMax") == "1024"
    assert machine.said("stat", "-c", "%U:%G %a", FOLDER) == "nfed:nfe-drop 2770"
    assert machine.is_active()
    assert service.restarts() == 0
    assert rights["Uid"].split()[0] == machine.said("id", "-u", "nfed")
    assert int(rights["CapBnd"], 16) == int(rights["CapEff"], 16) == 0
    assert rights["NoNewPrivs"] == "1"
    assert rights["Seccomp"] == "2"
    assert "waiting for files" in service.status()
    shown = machine.said("systemctl", "status", "--no-pager", "--full", "nfed.service")
    workers = re.findall(r"nfed\.workers\.process \d+ (worker \d+ of \d+)$", shown, re.MULTILINE)
    assert workers, shown
    assert "max_file_bytes" not in shown


def test_a_dropped_file_is_stored_and_done(service: Service):
    dropped = notes(3)

    service.drop(dropped)

    service.finishes(dropped)
    assert sorted(service.stored()) == sorted(each.chave for each in dropped)


def test_a_producer_drops_files_and_reads_why_one_was_refused(service: Service):
    """Group nfe-drop may write there, whatever the umask; nobody else may even look."""
    machine = service.machine
    for user in ("erp", "stranger"):
        machine.run("useradd", "--create-home", user)
    machine.run("usermod", "--append", "--groups=nfe-drop", "erp")
    good = note(1)
    script = f"umask 027; cat > {FOLDER}/{good.name}; echo lixo > {FOLDER}/lixo.xml"

    machine.run("runuser", "-u", "erp", "--", "sh", "-c", script, stdin=good.xml.decode())

    service.finishes([good])
    eventually(lambda: "lixo.xml.error.json" in service.failed(), "the reason")
    reason = machine.said(
        "runuser", "-u", "erp", "--", "cat", f"{FOLDER}/failed/lixo.xml.error.json"
    )
    assert json.loads(reason)["error"]
    retried = "cd /tmp && nfed retry lixo.xml"
    machine.run("runuser", "-u", "erp", "--", "sh", "-c", retried)
    eventually(lambda: "lixo.xml.error.json" in service.failed(), "refused once more")
    machine.run(
        *("runuser", "-u", "erp", "--", "rm", "-f"),
        *(f"{FOLDER}/failed/lixo.xml", f"{FOLDER}/failed/lixo.xml.error.json"),
    )
    assert service.failed() == set()
    for path in (FOLDER, f"{FOLDER}/done", "/var/lib/nfed"):
        assert machine.run("runuser", "-u", "stranger", "--", "ls", path, check=False).returncode


def test_commands_work_for_the_administrator_anywhere(service: Service):
    """They take the service's settings, also as root in another folder."""
    service.drop(notes(2))
    service.finishes(notes(2))

    said = json.loads(service.machine.said("sh", "-c", "cd /tmp && nfed status --json"))

    assert said["folder"]["path"] == FOLDER
