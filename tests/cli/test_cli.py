"""The command's face: help, completion, settings, and what can be asked without any document."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from nfed import __version__
from nfed.cli.dictionary import path_of
from nfed.documents.layout import tables
from nfed.documents.layout.columns import Column, Table
from nfed.errors import ConfigError
from nfed.settings import Settings, load
from tests.support.cli_command import ROOT, Terminal, environment, names, nfed, nfed_each, one_line

COMMANDS = ["run", "import", "status", "jobs", "retry", "check", "config", "schema"]


def test_it_says_its_version(tmp_path):
    said = nfed(tmp_path, "--version")

    assert (said.returncode, said.stdout) == (0, f"nfed {__version__}\n")


def test_without_a_command_it_shows_all_commands_and_exits_with_2(tmp_path):
    said = nfed(tmp_path)

    assert said.returncode == 2
    assert all(f" {command} " in said.stdout + said.stderr for command in COMMANDS)


def test_every_help_ends_with_an_example(tmp_path):
    helps = nfed_each(tmp_path, *([command, "--help"] for command in COMMANDS))

    for command, said in zip(COMMANDS, helps, strict=True):
        assert said.returncode == 0
        assert f"Usage: nfed {command}" in said.stdout
        examples = said.stdout.partition("Example:")[2].split("\n")
        assert examples[1].startswith(f" $ nfed {command}")


def test_the_help_names_the_exit_codes(tmp_path):
    said = nfed(tmp_path, "-h")

    assert said.returncode == 0
    assert re.search(r"Exit codes: 0 .* 1 .* 2 .* 75 .* 78 .* 130 ", said.stdout, re.DOTALL)


def test_a_misspelt_command_or_option_is_a_usage_error(tmp_path):
    command, option, value = nfed_each(
        tmp_path, ["impotr"], ["run", "--folderr"], ["jobs", "--limit", "0"]
    )

    assert [command.returncode, option.returncode, value.returncode] == [2, 2, 2]
    assert "Did you mean 'import'?" in command.stderr
    assert "--folderr" in option.stderr
    assert "--limit" in value.stderr


def test_the_shell_completes_commands_and_options(tmp_path):
    commands = nfed(tmp_path, _NFED_COMPLETE="complete_bash", COMP_WORDS="nfed s", COMP_CWORD="1")
    options = nfed(
        tmp_path, _NFED_COMPLETE="complete_bash", COMP_WORDS="nfed run --o", COMP_CWORD="2"
    )

    assert commands.stdout.split() == ["status", "schema"]
    assert options.stdout.split() == ["--once"]


def test_it_prints_the_script_that_completes_for_the_shell(tmp_path):
    # Without it, the shell that runs the tests would be looked for among their parents.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}

    said = nfed(tmp_path, "--show-completion", "bash", **named)

    assert said.returncode == 0
    assert "_NFED_COMPLETE=complete_bash" in said.stdout


def test_the_script_nfed_is_the_same_command(tmp_path):
    script = ROOT / ".venv" / "bin" / "nfed"
    if not script.exists():
        pytest.skip("not built by make setup")

    said = subprocess.run(
        [script, "--version"], env=environment(tmp_path), capture_output=True, text=True
    )

    assert said.stdout == f"nfed {__version__}\n"


def test_config_shows_every_setting_with_its_default(tmp_path):
    said = nfed(tmp_path, "config", NFED_WORKERS="auto")

    assert said.returncode == 0
    lines = said.stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(Settings.model_fields)
    assert re.search(r"^xml_folder +xml_nf +default ", said.stdout, re.MULTILINE)
    assert re.search(r"^workers +auto +environment ", said.stdout, re.MULTILINE)
    assert re.search(r"^ledger +nfed-ledger\.db +default ", said.stdout, re.MULTILINE)


def test_an_option_wins_over_environment_over_env_file_over_toml_over_default(tmp_path):
    (tmp_path / "nfed.toml").write_text(
        'xml_folder = "toml"\ndebounce_seconds = 1\nsettle_seconds = 1\nrescan_seconds = 1\n'
    )
    (tmp_path / ".env").write_text(
        "NFED_XML_FOLDER=env-file\nNFED_DEBOUNCE_SECONDS=2\nNFED_SETTLE_SECONDS=2\n"
    )

    said = nfed(
        tmp_path,
        *("config", "--json", "--folder", "option"),
        NFED_XML_FOLDER="environment",
        NFED_DEBOUNCE_SECONDS="3",
    )

    settings = json.loads(said.stdout)
    came = {name: (each["value"], each["origin"]) for name, each in settings.items()}
    assert came["xml_folder"] == ("option", "option")
    assert came["debounce_seconds"] == (3.0, "environment")
    assert came["settle_seconds"] == (2.0, ".env")
    assert came["rescan_seconds"] == (1.0, "nfed.toml")
    assert came["batch_max_files"] == (5000, "default")
    assert came["force_polling"] == ("auto", "default")


def test_a_password_in_the_database_url_is_never_shown(tmp_path):
    answers = nfed_each(
        tmp_path,
        *(["config"], ["config", "--json"], ["status"], ["status", "--json"]),
        NFED_DATABASE_URL="sqlite://user:geheim@host/nfed.db",
    )

    for said in answers:
        assert said.returncode == 0
        assert "geheim" not in said.stdout
        assert "user:***@host" in said.stdout


def test_a_url_that_cannot_be_used_is_refused_without_its_password(tmp_path):
    said = nfed(tmp_path, "status", "--database", "mysql://user:geheim@host/db")

    assert said.returncode == 78
    assert "database_url (from option)" in one_line(said)
    assert "geheim" not in said.stderr


def test_nothing_is_cut_off_in_a_pipe_and_nothing_is_coloured(tmp_path):
    long = "a-folder-with-a-very-long-name-" * 5

    said = nfed(tmp_path, "config", "--folder", long, COLUMNS="40", FORCE_COLOR="1")

    assert re.search(rf"^xml_folder +{long} +option +the drop folder$", said.stdout, re.M)


def test_on_a_terminal_config_is_a_table_that_fits(tmp_path):
    terminal = Terminal(tmp_path, "config")

    assert terminal.ends() == 0
    assert "\x1b[1m" in terminal.text
    assert "incomplete_grace_seconds" in terminal.text


@pytest.mark.parametrize(
    ("env", "files", "named"),
    [
        ({"NFED_XML_FODLER": "x"}, {}, "environment: unknown setting NFED_XML_FODLER"),
        ({}, {".env": "NFED_WORKER=1\n"}, ".env: unknown setting NFED_WORKER"),
        ({}, {"nfed.toml": "worker = 1\n"}, "nfed.toml: unknown setting worker"),
        ({"NFED_SETTLE_SECONDS": "soon"}, {}, "settle_seconds (from environment)"),
    ],
)
def test_a_bad_setting_is_exit_78_and_one_line_that_names_it(tmp_path, env, files, named):
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    said = nfed(tmp_path, "config", **env)

    assert (said.returncode, said.stdout) == (78, "")
    assert named in one_line(said)


@pytest.mark.parametrize(
    ("options", "toml", "named"),
    [
        ({}, "workers = \n", "nfed.toml: "),
        ({}, "batch_max_files = 0\n", "batch_max_files (from nfed.toml): "),
        ({"check_key": "perhaps"}, "", "check_key (from option): "),
        ({"database_url": "oops"}, "", "database_url (from option): "),
        ({"database_url": "sqlite://"}, "", "database_url (from option): must name a file"),
        ({"done_subfolders": "../x"}, "", "done_subfolders (from option): must stay below done/"),
        ({"ledger": "xml_nf/l.db"}, "", "ledger: xml_nf/l.db must not lie inside the"),
    ],
)
def test_every_wrong_value_is_named_with_where_it_came_from(
    tmp_path, monkeypatch, options, toml, named
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nfed.toml").write_text(toml)

    with pytest.raises(ConfigError) as caught:
        load(options)

    assert str(caught.value).startswith(named)


def test_every_command_says_what_is_wrong_with_the_settings(tmp_path):
    answers = nfed_each(
        tmp_path,
        *(["run"], ["import", "."], ["status"], ["jobs"], ["retry", "--all"], ["check"]),
        NFED_LOG_LEVEL="LOUD",
    )

    for said in answers:
        assert said.returncode == 78
        assert "log_level" in one_line(said)
    assert names(tmp_path) == set()


def test_settings_of_other_programs_are_passed_over(tmp_path):
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=x\nNFEDERATION=1\nNFED_WORKERS=3\n")

    said = nfed(tmp_path, "config", OTHER_XML_FOLDER="y", NFEDX="1", NFED_WORKERS="2")

    assert said.returncode == 0


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory):
    """What `nfed schema` prints."""
    said = nfed(tmp_path_factory.mktemp("schema"), "schema")
    assert (said.returncode, said.stderr) == (0, "")
    return said.stdout


def test_the_dictionary_tells_every_column_that_a_database_has(dictionary):
    told = {
        section.split("\n", 1)[0]: re.findall(r"^\| (\w+) \| (?!type)(.+?) \|", section, re.M)
        for section in re.split(r"^##+ ", dictionary, flags=re.M)[1:]
    }
    for name, table in tables().items():
        columns = [column for column, _ in told[name]]
        assert set(table.stored_names) <= set(columns)
        assert {"id", "created_at"} <= set(columns)
    assert ("valor_total_nota", "NUMERIC(15, 2)") in told["notas_fiscais"]
    assert ("data_hora_emissao_tz", "TEXT") in told["notas_fiscais"]
    assert ("valor_unitario_comercial_exato", "TEXT") in told["nf_itens"]
    assert ("quantidade_itens", "computed") in told["vw_notas_fiscais_resumo"]
    assert "valor_icms" in dict(told["vw_nf_itens_completo"])


def test_the_dictionary_explains_decimals_moments_status_and_parties(dictionary):
    head = " ".join(dictionary.partition("\n## ")[0].split())

    assert "`Decimal(str(value))` equals the XML's value up to 15 significant digits" in head
    assert "`round(sum(x), 2)` is right to the cent for totals up to 10^12" in head
    assert "`<name>_exato`" in head
    assert "`<name>_tz`" in head
    assert "| 101, 151, 155 | cancelada | | 110, 301, 302, 303 | denegada |" in head
    assert "`nf_partes`" in head


def test_every_row_of_the_dictionary_has_as_many_cells_as_its_heading(dictionary):
    rows = [line for line in dictionary.split("\n") if line.startswith("|")]

    cells = 0
    for above, row in zip(["", *rows], rows, strict=False):
        if row.startswith("| column") or not above:
            cells = row.count(" |")
        if not row.startswith("|---"):
            assert row.replace("\\|", "").count(" |") == cells, row


def test_the_paths_of_the_dictionary_are_those_of_the_layout():
    for table in tables().values():
        for column in table.columns:
            expected = {os.path.normpath(path) for path in _full_paths(table, column)}
            told = {os.path.normpath(path) for path in _expanded(path_of(table, column))}
            assert told == expected


def test_a_reader_that_hangs_up_is_no_error(tmp_path):
    ours, theirs = os.pipe()
    os.close(ours)

    said = subprocess.run(
        [sys.executable, "-m", "nfed", "schema"],
        env=environment(tmp_path),
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )

    os.close(theirs)
    assert "Traceback" not in said.stderr


def _full_paths(table: Table, column: Column) -> Iterator[str]:
    for element in (table.element or "").split("|"):
        for path in (column.path or "").split("|"):
            if path == ".":
                yield element
            elif path:
                yield f"{element}/{path}" if element else path


def _expanded(path: str) -> list[str]:
    """`a/{b,c}` as the shell would read it."""
    match = re.search(r"\{(.*?)\}", path)
    if match is None:
        return [path] if path else []
    return [
        each
        for choice in match[1].split(",")
        for each in _expanded(path[: match.start()] + choice + path[match.end() :])
    ]
