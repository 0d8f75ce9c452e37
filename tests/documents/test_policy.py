"""Every policy finds its way from the settings to the worker."""

from dataclasses import fields, replace

import pytest

from nfed.documents.checks import Checks, Policy
from nfed.settings import Settings
from nfed.wiring import checks_of, worker_settings_of
from nfed.workers.process import WorkerSettings

NAMES = [each.name for each in fields(Checks) if each.name != "keep_xml"]


def test_every_check_has_a_setting_and_every_setting_a_check():
    settings = {name for name in Settings.model_fields if name.startswith("check_")}

    assert settings == {f"check_{name}" for name in NAMES}


def test_only_the_key_refuses_by_default():
    checks = checks_of(Settings())

    assert checks == Checks()
    assert {name for name in NAMES if getattr(checks, name) is Policy.REFUSE} == {"key"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("policy", Policy)
def test_a_policy_reaches_the_worker(name, policy):
    settings = Settings(**{f"check_{name}": policy}, keep_xml=False)
    expected = replace(Checks(keep_xml=False), **{name: policy})

    worker = worker_settings_of(settings)

    assert worker.checks == expected
    assert WorkerSettings.from_json(worker.to_json()) == worker


def test_none_is_off_for_all():
    assert {getattr(Checks.none(), name) for name in NAMES} == {Policy.OFF}
