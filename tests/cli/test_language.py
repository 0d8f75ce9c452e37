"""Commands speak Portuguese where the locale or the setting says so, and English else."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.cli_command import nfed, nfed_each
from tests.support.notes import generator

PT = {"LC_ALL": "pt_BR.UTF-8"}


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    """A drop folder in which a Portuguese import refused a file that is no document."""
    folder = tmp_path / "xml_nf"
    folder.mkdir()
    (folder / "nota.xml").write_bytes(generator().note(1, items=1, rich=False).xml)
    (folder / "pagina.xml").write_text("<html/>")
    said = nfed(tmp_path, "import", "xml_nf", "--move", **PT)
    assert said.returncode == 1
    assert "recusado " in said.stdout
    assert "2 arquivos em " in said.stdout
    assert ": importados 1, atualizados 0, duplicados 0, recusados 1," in said.stdout
    return folder


def test_error_json_is_written_in_the_language_and_can_be_read_in_another(refused):
    reason = json.loads((refused / "failed" / "pagina.xml.error.json").read_text("utf-8"))

    assert "não é documento fiscal" in reason["error"]
    assert reason["advice"].startswith("Verifique ")
    assert reason["error_type"] == "NotFiscalDocument"
    assert reason["reason"]["facts"] == {"name": "html"}
    english, portuguese = (
        nfed_each(refused.parent, ["status"], ["status"], LC_ALL="C"),
        nfed(refused.parent, "status", **PT),
    )
    assert "is no fiscal document" in english[0].stdout
    assert "não é documento fiscal" in portuguese.stdout


def test_the_ledger_keeps_english_and_tells_portuguese(refused):
    with closing(sqlite3.connect(refused.parent / "nfed-ledger.db")) as ledger:
        (job,), (error,) = (
            ledger.execute("select job_id from jobs").fetchone(),
            ledger.execute("select error from files where outcome = 'refused'").fetchone(),
        )

    portuguese = nfed(refused.parent, "jobs", job, **PT)
    english = nfed(refused.parent, "jobs", job, "--json", **PT)

    assert "is no fiscal document" in error
    assert "não é documento fiscal" in portuguese.stdout
    assert json.loads(english.stdout)["errors"][0]["error"] == error


def test_the_setting_goes_before_the_locale_also_for_help(tmp_path):
    (tmp_path / "nfed.toml").write_text('language = "pt-BR"\n')

    helped, checked, wrong = nfed_each(
        tmp_path, ["run", "--help"], ["check"], ["run", "--nada"], LC_ALL="C"
    )
    overruled = nfed(tmp_path, "check", NFED_LANGUAGE="en", **PT)

    assert "Uso: nfed run [OPÇÕES]" in helped.stdout
    assert "Observa a pasta de entrada" in helped.stdout
    assert "exige nfed[api]" in helped.stdout
    assert "Mostra esta mensagem e sai." in helped.stdout
    assert "configuração: definida por environment, nfed.toml" in checked.stdout
    assert "Erro: A opção --nada não existe." in wrong.stderr
    assert "configuration: set by environment\n" in overruled.stdout


def test_a_bad_setting_is_said_in_portuguese(tmp_path):
    said = nfed(tmp_path, "status", NFED_HTTP="lugar", NFED_LANGUAGE="pt-BR")

    assert said.returncode == 78
    assert "http (de environment): não é HOST:PORTA, como 127.0.0.1:8055" in said.stderr


def test_help_holds_neither_types_of_flags_nor_broken_names(tmp_path):
    run, import_ = nfed_each(tmp_path, ["run", "--help"], ["import", "--help"])

    assert "<bool>" not in run.stdout + import_.stdout
    assert "needs nfed[api]" in run.stdout
    assert ".zip" in import_.stdout
