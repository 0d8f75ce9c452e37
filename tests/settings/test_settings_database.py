"""Which database the settings name, and that no secret of it is ever shown."""

import base64
import json

import pytest

from nfed.errors import ConfigError
from nfed.settings import Settings, StoreKind, load, masked
from tests.support.cli_command import nfed, nfed_each, one_line

PROJECT = "https://abcdefgh.supabase.co"
KEY = "sb_secret_geheim"


def jwt(role):
    claims = base64.urlsafe_b64encode(json.dumps({"role": role}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{claims}.geheim"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("SUPABASE_URL", "SUPABASE_SERVICE_KEY", "NFED_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "kind", "database"),
    [
        ({}, StoreKind.SQLITE, "nfed.db"),
        ({"NFED_DATABASE_URL": "postgresql://me@db/x"}, StoreKind.POSTGRES, "postgresql://me@db/x"),
        ({"NFED_DATABASE_URL": "postgres://me@db/x"}, StoreKind.POSTGRES, "postgres://me@db/x"),
        (
            {"NFED_SUPABASE_URL": f"{PROJECT}/", "NFED_SUPABASE_SERVICE_KEY": KEY},
            StoreKind.SUPABASE,
            PROJECT,
        ),
        (
            {"SUPABASE_URL": PROJECT, "SUPABASE_SERVICE_KEY": jwt("service_role")},
            StoreKind.SUPABASE,
            PROJECT,
        ),
        # What another program left in the environment does not outweigh what nfed was told.
        (
            {
                "SUPABASE_URL": PROJECT,
                "SUPABASE_SERVICE_KEY": KEY,
                "NFED_DATABASE_URL": "sqlite:///a.db",
            },
            StoreKind.SQLITE,
            "a.db",
        ),
        ({"SUPABASE_URL": PROJECT}, StoreKind.SQLITE, "nfed.db"),
    ],
)
def test_the_settings_choose_the_store(monkeypatch, environment, kind, database):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    settings = load().settings

    assert settings.store_kind is kind
    assert settings.database_shown == database
    assert settings.ledger_path.name == "nfed-ledger.db"


def test_our_own_name_of_a_setting_comes_first(monkeypatch):
    monkeypatch.setenv("SUPABASE_URL", "https://other.supabase.co")
    monkeypatch.setenv("SUPABASE_SERVICE_KEY", KEY)
    monkeypatch.setenv("NFED_SUPABASE_URL", PROJECT)

    settings = load().settings

    assert settings.supabase_url == PROJECT
    assert settings.supabase_service_key is not None
    assert settings.supabase_service_key.get_secret_value() == KEY


def test_a_project_named_without_our_prefix_may_be_half_in_env_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text(f"SUPABASE_URL={PROJECT}\nSUPABASE_SERVICE_KEY=sb_secret_old\n")
    monkeypatch.setenv("SUPABASE_SERVICE_KEY", KEY)

    loaded = load()

    assert loaded.settings.supabase == (PROJECT, KEY)
    assert loaded.origins["supabase_url"] == ".env"
    assert loaded.origins["supabase_service_key"] == "environment"


def test_a_database_option_outweighs_supabase(monkeypatch):
    monkeypatch.setenv("NFED_SUPABASE_URL", PROJECT)
    monkeypatch.setenv("NFED_SUPABASE_SERVICE_KEY", KEY)

    assert load({"database_url": "sqlite:///a.db"}).settings.store_kind is StoreKind.SQLITE
    monkeypatch.setenv("NFED_DATABASE_URL", "postgresql://me:geheim@db/x")
    with pytest.raises(ConfigError, match="name a store each; leave one of them out") as refused:
        load()
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"URL": PROJECT}, "supabase_service_key is missing"),
        ({"SERVICE_KEY": KEY}, "supabase_url is missing"),
        ({"URL": "http://abc.supabase.co", "SERVICE_KEY": KEY}, "supabase_url .* is no address"),
        ({"URL": "https://me:geheim@abc.co", "SERVICE_KEY": KEY}, "supabase_url .* is no address"),
        ({"URL": "https://:geheim@abc.co", "SERVICE_KEY": KEY}, "supabase_url .* is no address"),
        ({"URL": "https://me:geheim/@abc.co", "SERVICE_KEY": KEY}, "supabase_url .* is no address"),
        ({"URL": "https://abc.co:99999", "SERVICE_KEY": KEY}, "supabase_url .* is no address"),
        ({"URL": "https://abc .co", "SERVICE_KEY": KEY}, "supabase_url .* is no address"),
        ({"URL": PROJECT, "SERVICE_KEY": "sb_publishable_geheim"}, "is the public key"),
        ({"URL": PROJECT, "SERVICE_KEY": jwt("anon")}, "is the public key"),
        ({"URL": PROJECT, "SERVICE_KEY": "geheim geheim"}, "is no key"),
    ],
)
def test_what_cannot_work_is_refused_without_the_key(monkeypatch, environment, says):
    for name, value in environment.items():
        monkeypatch.setenv(f"NFED_SUPABASE_{name}", value)

    with pytest.raises(ConfigError, match=says) as refused:
        load()

    assert "geheim" not in str(refused.value)


def test_a_project_that_a_program_names_outweighs_a_database_in_the_environment(monkeypatch):
    monkeypatch.setenv("NFED_DATABASE_URL", "sqlite:///a.db")

    settings = load({"supabase_url": PROJECT, "supabase_service_key": KEY}).settings

    assert settings.store_kind is StoreKind.SUPABASE


@pytest.mark.parametrize("more", ["", "/", "/rest/v1", "/rest/v1/"])
def test_the_address_of_a_project_may_be_that_of_its_api(monkeypatch, more):
    monkeypatch.setenv("NFED_SUPABASE_URL", PROJECT + more)
    monkeypatch.setenv("NFED_SUPABASE_SERVICE_KEY", KEY)

    assert load().settings.supabase_url == PROJECT


def test_no_repr_of_the_settings_holds_a_secret(tmp_path):
    settings = Settings(
        xml_folder=tmp_path / "xml",
        database_url="postgresql://me:geheim@db/x?password=geheim",
        supabase_url=PROJECT,
        supabase_service_key=KEY,
    )

    assert "geheim" not in repr(settings)
    assert "geheim" not in str(settings)
    assert masked("database_url", settings.database_url) == "postgresql://me:***@db/x?password=***"


def test_config_and_status_never_show_a_secret(tmp_path):
    answers = nfed_each(
        tmp_path,
        *(["config"], ["config", "--json"], ["status"], ["check"]),
        SUPABASE_URL=PROJECT,
        SUPABASE_SERVICE_KEY=KEY,
    )
    assert all(PROJECT in said.stdout for said in answers)
    answers += nfed_each(
        tmp_path,
        *(["status"], ["status", "--json"], ["check"]),
        NFED_DATABASE_URL="postgresql://me:geheim@127.0.0.1:1/x",
    )

    for said in answers:
        assert "geheim" not in said.stdout + said.stderr
    assert "***" in answers[0].stdout
    assert "127.0.0.1:1" in answers[-1].stdout


def test_a_server_that_is_not_there_is_said_in_one_line(tmp_path):
    said = nfed(tmp_path, "run", "--once", "--database", "postgresql://me:geheim@127.0.0.1:1/x")

    assert said.returncode in (75, 78)
    assert "127.0.0.1:1" in one_line(said)
    assert "geheim" not in said.stderr


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:geheim99/x", "postgresql://me:geheim99"],
)
def test_a_url_that_is_none_is_refused_without_showing_its_password(tmp_path, url):
    said = nfed(tmp_path, "run", NFED_DATABASE_URL=url)

    assert said.returncode == 78
    assert "database_url (from environment): is no database URL" in one_line(said)
    assert "geheim99" not in said.stderr


@pytest.mark.parametrize(
    "password", ["alpha@geheim99", "alpha@geheim99:x", "alpha@geheim99/x", "alpha@x?geheim99=1"]
)
def test_a_password_whose_at_is_not_encoded_is_never_shown(tmp_path, password):
    """What stands behind the @ would be taken for the host."""
    url = f"postgresql://me:{password}@db/x"
    for command in (["run"], ["check"], ["config"], ["status"], ["db", "status"]):
        said = nfed(tmp_path, *command, NFED_DATABASE_URL=url)

        assert said.returncode == 78
        assert "write it as %40" in one_line(said)
        for half in ("alpha", "geheim99"):
            assert half not in said.stdout + said.stderr
