"""Good and bad settings, at the start and at a reload; where secrets come from."""

from tests.support.harness import eventually, notes
from tests.system.service import DATABASE, FOLDER, Service


def test_a_reload_moves_to_another_folder_without_losing_a_file(service: Service):
    machine = service.machine
    other = "/srv/nfe/other"
    machine.run("install", "-d", "-m2770", "-onfed", "-gnfe-drop", other)
    service.configure(xml_folder=other)
    pid = service.main_pid()
    dropped = notes(4)

    machine.systemctl("reload", "nfed.service")

    moved = Service(machine, folder=other)
    moved.drop(dropped)
    moved.finishes(dropped)
    assert service.main_pid() == pid, "was restarted, not reloaded"


def test_a_reload_takes_another_database(service: Service):
    first, second = notes(2), notes(2, start=10)
    service.drop(first)
    service.finishes(first)
    other = Service(service.machine, database="/var/lib/nfed/other.db")
    other.configure()

    service.machine.systemctl("reload", "nfed.service")

    other.drop(second)
    other.finishes(second)
    assert sorted(service.stored()) == sorted(each.chave for each in first)


def test_a_reload_with_bad_settings_keeps_the_old_ones(service: Service):
    service.configure(max_concurrent_uploads=0)
    pid = service.main_pid()

    reloaded = service.machine.run("systemctl", "reload", "nfed.service", check=False)

    assert reloaded.returncode != 0
    assert service.machine.is_active()
    (refused,) = service.machine.journal("--boot", "EVENT=settings_refused")
    assert "max_concurrent_uploads" in refused["MESSAGE"]
    assert int(refused["PRIORITY"]) <= 3
    assert service.main_pid() == pid
    dropped = notes(2)
    service.drop(dropped)
    service.finishes(dropped)


def test_bad_settings_at_the_start_fail_once(service: Service):
    """Exit 78, no restart, and what OnFailure= names is told."""
    machine = service.machine
    share = "/usr/share/nfed"
    machine.run("install", "-D", f"{share}/nfed-alert@.service", "-t", "/etc/systemd/system")
    machine.run(
        *("install", "-D", f"{share}/on-failure.conf", "-t"),
        "/etc/systemd/system/nfed.service.d",
    )
    machine.systemctl("daemon-reload")
    service.configure(unheard_of=1)

    machine.systemctl("restart", "nfed.service", check=False)

    machine.becomes("nfed.service", "failed")
    assert machine.show("nfed.service", "ExecMainStatus") == "78"
    assert service.restarts() == 0
    alerts = eventually(lambda: machine.journal("--boot", "SYSLOG_IDENTIFIER=nfed-alert"), "alert")
    assert [each["MESSAGE"].partition(", see")[0] for each in alerts] == [
        "nfed.service: exit-code (status 78)"
    ]
    assert sum("unheard_of" in line for line in machine.messages()) == 1

    service.configure()
    machine.systemctl("start", "nfed.service")

    dropped = notes(1)
    service.drop(dropped)
    service.finishes(dropped)


def test_the_database_is_named_by_an_encrypted_credential(service: Service):
    machine = service.machine
    other = Service(machine, database="/var/lib/nfed/secret.db")
    machine.run("mkdir", "-p", "/etc/credstore.encrypted")
    machine.run(
        *("systemd-creds", "encrypt", "--with-key=host", "--name=nfed.database_url", "-"),
        "/etc/credstore.encrypted/nfed.database_url",
        stdin=f"sqlite:///{other.database}",
    )

    service.restart()

    dropped = notes(2)
    other.drop(dropped)
    other.finishes(dropped)
    environment = machine.path(f"/proc/{service.main_pid()}/environ").read_text()
    assert "secret.db" not in environment
    assert "secret.db" not in machine.systemctl("show", "nfed.service")
    assert not machine.path(DATABASE).exists() or service.stored() == []


def test_supabase_is_named_by_credentials_and_its_key_is_nowhere_to_be_seen(service: Service):
    """There is no network here: it is waited for, and no file is refused."""
    machine = service.machine
    key = "sb_secret_geheim"
    ledger = "/var/lib/nfed/nfed-ledger.db"
    machine.write(service.settings, f"xml_folder = '{FOLDER}'\nledger = '{ledger}'\n")
    machine.write("/etc/credstore/nfed.supabase_url", "https://abcdefgh.supabase.co", 0o600)
    machine.run("mkdir", "-p", "/etc/credstore.encrypted")
    machine.run(
        *("systemd-creds", "encrypt", "--with-key=host", "--name=nfed.supabase_service_key", "-"),
        "/etc/credstore.encrypted/nfed.supabase_service_key",
        stdin=key,
    )

    service.restart()

    dropped = notes(2)
    service.drop(dropped)
    eventually(lambda: "2 files wait" in service.status(), "the status says so")
    assert "abcdefgh.supabase.co" in "".join(machine.messages())
    assert service.waiting() == {each.name for each in dropped}
    environment = machine.path(f"/proc/{service.main_pid()}/environ").read_text()
    said = machine.said("journalctl", "--boot", "--output=json", "--all")
    assert key not in environment + said + machine.systemctl("show", "nfed.service")
