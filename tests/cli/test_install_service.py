"""`nfed install-service`, as people run it; systemctl is a script that writes its words down."""

import os
import subprocess
from pathlib import Path

import pytest

from nfed.cli import service
from nfed.cli.service import system_unit
from nfed.errors import ConfigError
from tests.support.cli_command import environment, one_line
from tests.support.harness import ROOT

BIN = ROOT / ".venv" / "bin"
# Directives that need another user's rights, or mounts: a user's manager refuses the unit.
NEEDS_RIGHTS = ("User=", "Group=", "Protect", "Private", "ReadWritePaths=", "CapabilityBounding")


def install(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [BIN / "nfed", "install-service", *arguments],
        cwd=home,
        env={**environment(home), "PATH": path, "XDG_CONFIG_HOME": str(home / "config")},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    script = tmp_path / "bin" / "systemctl"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/said\n')
    script.chmod(0o755)
    return tmp_path


def test_a_users_unit_starts_this_nfed_within_what_a_user_may(home):
    said = install(home, "--user")

    assert said.returncode == 0, said.stderr
    unit = (home / "config" / "systemd" / "user" / "nfed.service").read_text()
    lines = unit.splitlines()
    assert f"ExecStart={BIN}/nfed run --create" in lines
    assert "Type=notify-reload" in lines
    assert "NoNewPrivileges=yes" in lines
    assert "WorkingDirectory=%E/nfed" in lines
    assert "WantedBy=default.target" in lines
    assert [line for line in lines if line.startswith(NEEDS_RIGHTS)] == []
    sections = [line for line in lines if line.startswith("[")]
    assert sections == ["[Unit]", "[Service]", "[Install]"]
    assert (home / "said").read_text() == "--user daemon-reload\n"
    assert "systemctl --user enable --now nfed" in said.stdout


def test_the_database_has_a_folder_of_its_own_before_systemd_looks_for_one(home):
    """Without it, systemd links it to the settings' folder, as if from before version 254."""
    install(home, "--user")

    state = home / ".local" / "state" / "nfed"
    assert state.is_dir()
    assert not state.is_symlink()


def test_the_settings_that_it_writes_are_good_and_an_administrators_stay(home):
    install(home, "--user")
    folder = home / "config" / "nfed"
    checked = subprocess.run(
        [BIN / "nfed", "config"], cwd=folder, env=environment(home), capture_output=True, text=True
    )
    (folder / "nfed.toml").write_text("workers = 3\n")

    again = install(home, "--user")

    assert checked.returncode == 0
    assert f"{home}/xml_nf" in checked.stdout
    assert again.returncode == 0
    assert (folder / "nfed.toml").read_text() == "workers = 3\n"


def test_a_unit_that_somebody_else_made_is_left_alone(home):
    unit = home / "config" / "systemd" / "user" / "nfed.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/true\n")

    said = install(home, "--user")

    assert said.returncode == 78
    assert str(unit) in one_line(said)
    assert unit.read_text() == "[Service]\nExecStart=/bin/true\n"


def test_a_dry_run_writes_nothing_and_shows_all(home):
    before = sorted(home.rglob("*"))

    said = install(home, "--user", "--dry-run")

    assert said.returncode == 0
    assert f"# --- {home}/config/systemd/user/nfed.service" in said.stdout
    assert f"# --- {home}/.local/state/nfed/" in said.stdout
    assert "$ systemctl --user daemon-reload" in said.stdout
    assert sorted(home.rglob("*")) == before


def test_the_machines_unit_is_the_packages_but_for_where_nfed_is():
    """Else a hardening of the one would be forgotten in the other."""
    unit = system_unit("/opt/pipx/venvs/nfed/bin/nfed", ["/opt/pipx/venvs/nfed", "/usr"])

    package = (Path(service.__file__).parents[1] / "service" / "units" / "nfed.service").read_text()
    changed = set(unit.splitlines()) ^ set(package.splitlines())
    assert changed == {
        "ExecStart=/usr/bin/nfed run --create",
        "ExecStart=/opt/pipx/venvs/nfed/bin/nfed run --create",
        "ExecReload=/usr/bin/nfed config --check",
        "ExecReload=/opt/pipx/venvs/nfed/bin/nfed config --check",
        "ExecPaths=/usr",
        "ExecPaths=/usr /opt/pipx/venvs/nfed",
    }


@pytest.mark.parametrize("root", ["/root/.local/share/uv/tools/nfed", "/home/ana/venv"])
def test_an_nfed_that_the_sandbox_hides_is_refused_with_a_way_out(root):
    with pytest.raises(ConfigError, match="pipx install --global"):
        system_unit("/x/nfed", ["/usr", root])


def test_one_has_to_say_for_whom(home):
    assert install(home).returncode == 2


def test_a_failing_systemctl_is_said_and_the_files_are_there(home):
    (home / "bin" / "systemctl").write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")

    said = install(home, "--user")

    assert said.returncode == 1
    assert "`systemctl --user daemon-reload` failed: no bus" in said.stderr
    assert (home / "config" / "systemd" / "user" / "nfed.service").exists()
