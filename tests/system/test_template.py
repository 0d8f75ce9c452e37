"""Several folders: nfed@NAME.service each, nfed.target for all."""

import pytest

from tests.support.harness import notes
from tests.system.service import Service

NAMES = ("loja", "matriz")


@pytest.fixture
def shops(service: Service) -> list[Service]:
    """Two instances, each with a folder and a database of its own, beside nfed.service."""
    made = [
        Service(
            service.machine,
            unit=f"nfed@{name}.service",
            folder=f"/srv/nfe/{name}",
            database=f"/var/lib/nfed/{name}/nfed.db",
            settings=f"/etc/nfed/{name}/nfed.toml",
        )
        for name in NAMES
    ]
    for each in made:
        each.configure()
        service.machine.systemctl("enable", "--now", each.unit)
    return made


def test_two_folders_feed_two_databases(shops: list[Service]):
    dropped = [notes(3, start=10 * number) for number in range(len(shops))]

    for shop, files in zip(shops, dropped, strict=True):
        shop.drop(files)

    for shop, files in zip(shops, dropped, strict=True):
        shop.finishes(files)
        assert sorted(shop.stored()) == sorted(each.chave for each in files)


def test_they_are_reloaded_together_and_stopped_by_their_target(
    service: Service, shops: list[Service]
):
    machine = service.machine

    machine.systemctl("reload", "nfed@*.service")

    for shop in shops:
        assert machine.journal("--boot", f"--unit={shop.unit}", "EVENT=settings_reloaded")

    machine.systemctl("stop", "nfed.target")

    assert not any(machine.is_active(shop.unit) for shop in shops)
    assert machine.is_active("nfed.service")


def test_they_are_back_after_a_reboot(service: Service, shops: list[Service]):
    service.machine.poweroff()
    service.machine.boot()

    assert all(service.machine.is_active(shop.unit) for shop in shops)


def test_an_instance_has_credentials_of_its_own(service: Service, shops: list[Service]):
    machine = service.machine
    shop = shops[0]
    shop.database = "/var/lib/nfed/loja/secret.db"
    machine.write("/etc/credstore/nfed.loja.database_url", f"sqlite:///{shop.database}", 0o600)

    shop.restart()

    dropped = notes(2)
    shop.drop(dropped)
    shop.finishes(dropped)
    service.restart()  # which does not take it for its own
    more = notes(1, start=10)
    service.drop(more)
    service.finishes(more)


def test_an_instance_without_settings_does_not_start(service: Service):
    machine = service.machine

    started = machine.run("systemctl", "start", "nfed@nowhere.service", check=False)

    assert started.returncode != 0
    assert "Assertion failed" in started.stderr
    assert not machine.path("/srv/nfe/nowhere").exists()
