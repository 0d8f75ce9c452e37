"""Upgrade, remove, purge."""

import sys
from pathlib import Path

from bench.generator import Note
from nfed import __version__
from tests.support.harness import notes
from tests.system.conftest import NEXT_VERSION, Installed, apt_install
from tests.system.service import FOLDER, Service

NEXT = NEXT_VERSION


def test_nothing_compiled_looks_for_libraries_on_the_building_machine(installed: Installed):
    (compiled,) = installed.layer.glob("usr/lib/nfed/lib/python*/site-packages/nfed/**/*.so")

    assert sys.base_prefix.encode() not in compiled.read_bytes()


def test_an_upgrade_keeps_settings_and_the_running_import(
    service: Service, packages: dict[str, Path], many: list[Note]
):
    machine = service.machine
    service.configure(debounce_seconds=0.25)
    machine.systemctl("reload", "nfed.service")
    service.drop(many)
    service.begins(many)
    pid = service.main_pid()

    apt_install(machine, packages[NEXT])

    service.finishes(many)
    assert service.main_pid() != pid, "the old version is still running"
    assert machine.said("dpkg-query", "-f${Version}", "-W", "nfed") == NEXT
    assert "debounce_seconds = 0.25" in machine.path(service.settings).read_text()


def test_what_an_administrator_disabled_or_stopped_stays_so(
    service: Service, packages: dict[str, Path]
):
    machine = service.machine
    machine.systemctl("disable", "--now", "nfed.service")

    apt_install(machine, packages[NEXT])

    assert machine.systemctl("is-enabled", "nfed.service", check=False) == "disabled"
    assert not machine.is_active()


def test_an_upgrade_starts_instances_again_but_not_what_was_stopped(
    service: Service, packages: dict[str, Path]
):
    machine = service.machine
    shop = Service(
        machine,
        unit="nfed@loja.service",
        folder="/srv/nfe/loja",
        database="/var/lib/nfed/loja/nfed.db",
        settings="/etc/nfed/loja/nfed.toml",
    )
    shop.configure()
    machine.systemctl("enable", "--now", shop.unit)
    machine.systemctl("stop", "nfed.service")

    apt_install(machine, packages[NEXT])

    assert machine.is_active(shop.unit)
    assert not machine.is_active("nfed.service")
    assert machine.systemctl("is-enabled", "nfed.service") == "enabled"


def test_remove_and_purge_leave_documents_and_database_alone(
    service: Service, packages: dict[str, Path]
):
    machine = service.machine
    dropped = notes(3)
    service.drop(dropped)
    service.finishes(dropped)
    machine.run("install", "-D", "/etc/nfed/nfed.toml", "-t", "/etc/nfed/loja")
    machine.systemctl("enable", "nfed@loja.service")

    machine.run("apt-get", "remove", "-y", "nfed")

    assert not machine.path("/usr/lib/nfed").exists()
    assert machine.path("/etc/nfed/nfed.toml").exists()
    assert not machine.is_active()

    purged = machine.said("apt-get", "purge", "-y", "nfed")

    assert "/srv/nfe stays" in purged
    assert not machine.path("/etc/nfed/nfed.toml").exists()
    assert service.done() == {each.name for each in dropped}
    assert sorted(service.stored()) == sorted(each.chave for each in dropped)
    assert machine.said("stat", "-c", "%U:%G", FOLDER) == "nfed:nfe-drop"
    assert "nfed" not in machine.systemctl("list-unit-files", "--no-legend")
    assert machine.said("find", "/etc/systemd/system", "-xtype", "l", "-name", "*nfed*") == ""

    apt_install(machine, packages[__version__])

    more = notes(1, start=50)
    service.drop(more)
    service.finishes([*dropped, *more])
