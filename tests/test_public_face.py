"""The public face of 0.1.0 is still there: names that users, scripts and dashboards hold on to.

`data/public-face.json` was written by 0.1.0. Names may be added to nfed; none may go or change.
"""

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest
import typer.main
from prometheus_client import Metric

from nfed.api import create_app
from nfed.api.metrics import Metrics
from nfed.cli import app
from nfed.documents.layout import tables
from nfed.logs.entry import Entry
from nfed.logs.events import EVENTS
from nfed.logs.rendering import json_line
from nfed.settings import Settings

ROOT = Path(__file__).parents[1]
FACE = json.loads((Path(__file__).parent / "data" / "public-face.json").read_text("utf-8"))
IMPORTS = {
    "nfed.api": ("create_app", "router"),
    "nfed.batch": ("BatchProcessor", "JobManager", "JobStatus", "get_job_manager"),
    "nfed.batch.importers": (
        "AsyncPostgresNFeImporter",
        "AsyncSQLiteNFeImporter",
        "AsyncSupabaseNFeImporter",
        "PostgresNFeImporter",
        "SQLiteNFeImporter",
        "SupabaseNFeImporter",
    ),
    "nfed.batch.job_manager": ("JobManager", "get_job_manager"),
    "nfed.batch.processor": ("BatchProcessor",),
    "nfed.errors": ("BatchProcessingException", "IllegalTransition", "RefusedDocument"),
}
METRICS = {
    "nfed_files",
    "nfed_jobs_ended",
    "nfed_jobs",
    "nfed_backlog_files",
    "nfed_chunk_seconds",
    "nfed_store_seconds",
    "nfed_retries",
    "nfed_last_success_timestamp_seconds",
    "nfed_build_info",
}


@pytest.mark.parametrize("module", IMPORTS)
def test_import_paths_lead_to_what_they_name(module):
    found = importlib.import_module(module)

    assert {name for name in IMPORTS[module] if not hasattr(found, name)} == set()


def test_every_import_of_the_readme_is_pinned_here():
    text = (ROOT / "README.md").read_text("utf-8")
    shown = dict(re.findall(r"^from (nfed[.\w]*) import ([\w, ]+)$", text, re.MULTILINE))

    assert shown
    for module, names in shown.items():
        assert set(names.split(", ")) <= set(IMPORTS[module])


def test_no_event_of_the_log_went():
    assert set(FACE["events"]) <= set(EVENTS)


def test_no_setting_went_or_changed_its_default():
    now = {name: str(field.default) for name, field in Settings.model_fields.items()}

    assert now | FACE["settings"] == now


def test_no_table_or_column_went_or_changed_its_place():
    now = {name: list(table.stored_names) for name, table in tables().items()}

    for name, columns in FACE["tables"].items():
        assert [each for each in now[name] if each in columns] == columns


def test_no_route_went(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    paths = create_app().openapi()["paths"]

    now = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(FACE["routes"]) <= now


def commands(command, name: str) -> dict[str, set[str]]:
    """By command: its options, and the names of its arguments."""
    own = {
        each
        for parameter in command.params
        for each in (
            parameter.opts if parameter.param_type_name == "option" else [parameter.name or ""]
        )
    }
    found = {name: own}
    for below, child in getattr(command, "commands", {}).items():
        found |= commands(child, f"{name} {below}")
    return found


def test_no_command_and_no_option_went():
    now = commands(typer.main.get_command(app), "nfed")

    for name, options in FACE["commands"].items():
        assert set(options) <= now[name], name


def test_no_metric_went():
    now: set[str] = {each.name for each in Metrics().registry.collect() if isinstance(each, Metric)}

    assert now >= METRICS


def test_a_line_of_the_json_log_keeps_its_fields():
    line = json.loads(json_line(Entry("info", "nfed", "daemon_started", {"database": "x"})))

    assert set(line) == {"timestamp", "level", "logger", "event", "context"}
    assert line["context"] == {"database": "x"}
    assert inspect.signature(Entry).parameters.keys() >= {"level", "logger", "event"}
