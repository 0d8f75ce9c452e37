"""Settings from the directory that systemd makes of a service's credentials."""

import json
from pathlib import Path

import pytest

from nfed.errors import ConfigError
from nfed.settings import load
from tests.support.cli_command import nfed, one_line


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir()
    return folder


def test_a_credential_ranks_under_the_environment_and_above_the_files(tmp_path, credentials):
    (credentials / "nfed.database_url").write_text("sqlite:///credential.db\n")
    (credentials / "nfed.log_level").write_text("ERROR")
    (credentials / "nfed.workers").write_text("3\n")
    (credentials / "other.secret").write_text("not ours")
    (tmp_path / ".env").write_text("NFED_DATABASE_URL=sqlite:///env-file.db\nNFED_WORKERS=5\n")
    (tmp_path / "nfed.toml").write_text("batch_max_files = 7\nlog_level = 'DEBUG'\n")

    said = nfed(
        tmp_path,
        *("config", "--json"),
        CREDENTIALS_DIRECTORY=str(credentials),
        NFED_LOG_LEVEL="WARNING",
        NFED_WORKERS="2",
    )

    found = {
        name: (each["value"], each["origin"]) for name, each in json.loads(said.stdout).items()
    }
    assert found["database_url"] == ("sqlite:///credential.db", "credential")
    assert found["log_level"] == ("WARNING", "environment")
    assert found["workers"] == (2, "environment")
    assert found["batch_max_files"] == (7, "nfed.toml")


def test_a_credential_of_an_instance_is_not_for_the_others(tmp_path, credentials):
    """ImportCredential=nfed.* of nfed.service also brings those of nfed@loja.service."""
    (credentials / "nfed.loja.database_url").write_text("sqlite:///loja.db")
    (credentials / "nfed.database_url").write_text("sqlite:///own.db")

    said = nfed(tmp_path, "config", "--json", CREDENTIALS_DIRECTORY=str(credentials))

    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["database_url"]["value"] == "sqlite:///own.db"


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("nfed.databse_url", b"sqlite:///a.db", "did you mean database_url"),
        ("nfed.batch_max_files", b"many", "batch_max_files (from credential)"),
        ("nfed.workers", b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_bad_credential_is_exit_78_and_one_line(tmp_path, credentials, name, content, named):
    (credentials / name).write_bytes(content)

    said = nfed(tmp_path, "run", CREDENTIALS_DIRECTORY=str(credentials))

    assert said.returncode == 78
    assert named in one_line(said)


def test_a_directory_that_is_not_there_holds_no_credential(tmp_path):
    """systemd names it also where ImportCredential= has found nothing."""
    said = nfed(tmp_path, "config", CREDENTIALS_DIRECTORY=str(tmp_path / "gone"))

    assert said.returncode == 0
    assert "credential" not in said.stdout


def test_a_file_in_its_place_is_exit_78(tmp_path):
    (tmp_path / "file").touch()

    said = nfed(tmp_path, "run", "--once", CREDENTIALS_DIRECTORY=str(tmp_path / "file"))

    assert said.returncode == 78
    assert "credentials in" in one_line(said)


@pytest.mark.filterwarnings("ignore:attempted to load secret file")
def test_a_credential_that_leads_out_of_the_directory_is_not_passed_over(
    tmp_path, credentials, monkeypatch
):
    """pydantic-settings leaves it out with a warning; the daemon would start with another value."""
    (tmp_path / "elsewhere").write_text("sqlite:///elsewhere.db")
    (credentials / "nfed.database_url").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))

    with pytest.raises(ConfigError, match=r"nfed\.database_url is no file, or a link to elsewhere"):
        load()


def test_a_list_is_written_as_path_is_wherever_it_stands(tmp_path, credentials, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    expected = (Path("/a"), Path("/b"))

    (tmp_path / "nfed.toml").write_text("upload_roots = ['/a', '/b']\n")
    in_toml = load()
    (tmp_path / ".env").write_text("NFED_UPLOAD_ROOTS=/a:/b\n")
    in_file = load()
    (credentials / "nfed.upload_roots").write_text("/a:/b\n")
    in_credential = load()
    monkeypatch.setenv("NFED_UPLOAD_ROOTS", "/a:/b")
    in_environment = load()

    found = (in_toml, in_file, in_credential, in_environment)
    assert [each.settings.upload_roots for each in found] == [expected] * 4
    assert [each.origins["upload_roots"] for each in found] == [
        *("nfed.toml", ".env", "credential", "environment")
    ]
