"""docs/architecture.md shows the house as it stands."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.notes import generator
from tools.reading import SOURCE, WAY, lines_of

# Loaded by the command, and no part of a note's way: other doors, and what the daemon is run by.
OTHER_DOORS = (
    "__init__.py",
    "api/",
    "batch/",
    "cli/",
    "core/archive.py",
    "core/other_documents.py",
    "documents/checks/codes.py",
    "documents/checks/others.py",
    "documents/kinds/__init__.py",
    "documents/kinds/campos.py",
    "documents/kinds/cfe.py",
    "documents/kinds/dfe.py",
    "documents/kinds/evento.py",
    "documents/kinds/nfse_municipal.py",
    "documents/kinds/respostas.py",
    "documents/layout/bpe.py",
    "documents/layout/cfe.py",
    "documents/layout/cte.py",
    "documents/layout/dfe",
    "documents/layout/eventos.py",
    "documents/layout/familias.py",
    "documents/layout/mdfe.py",
    "documents/layout/nf3e.py",
    "documents/layout/nfcom.py",
    "documents/layout/nfse",
    "documents/xml/__init__.py",
    "flow/archives.py",
    "flow/report.py",
    "ledger/",
    "logs/",
    "notifiers/",
    "service/",
    "settings/",
    "stores/lists/",
    "stores/__init__.py",
    "stores/deliveries/",
    "stores/documents.py",
    "stores/migrations.py",
    "stores/notes.py",
    "stores/pages/",
    "stores/summaries/",
    "stores/postgres/",
    "stores/sqlite/__init__.py",
    "stores/sqlite/deliveries.py",
    "stores/sqlite/notes.py",
    "stores/sqlite/pages.py",
    "stores/sqlite/summaries.py",
    "stores/sqlite/schema.py",
    "stores/tables.py",
    "workers/archives.py",
    "workers/containers.py",
)
_TRACE = """
import sys
from pathlib import Path
sys.argv = ["nfed", "run", "--once"]
from nfed.cli import app
try:
    app()
finally:
    import nfed.workers.process
    from nfed.documents import documents_from
    from nfed.documents.checks import Checks
    documents_from(next(Path("xml_nf/done").rglob("*.xml")).read_bytes(), Checks())
    files = (getattr(each, "__file__", None) for name, each in list(sys.modules.items())
             if name.partition(".")[0] == "nfed")
    print(*(each for each in files if each), sep="\\n", file=open("loaded", "w"))
"""


def test_one_notes_way_leads_through_files_that_exist(capsys: pytest.CaptureFixture[str]):
    missing = [path for path in WAY if not (SOURCE / path).is_file()]

    with capsys.disabled():
        print(f"\none note's way: {len(WAY)} files, {sum(map(lines_of, WAY)):,} lines")  # noqa: T201
    assert missing == []


def test_a_note_goes_through_no_file_that_the_way_leaves_out(tmp_path: Path):
    (tmp_path / "xml_nf").mkdir()
    (tmp_path / "xml_nf" / "nota.xml").write_bytes(generator().note(1, items=2, rich=False).xml)

    subprocess.run([sys.executable, "-c", _TRACE], cwd=tmp_path, check=True, capture_output=True)

    loaded = {
        str(Path(line).relative_to(SOURCE))
        for line in (tmp_path / "loaded").read_text().splitlines()
        if line.endswith(".py")
    }
    assert (tmp_path / "xml_nf" / "done").is_dir()
    assert {path for path in loaded - WAY.keys() if not path.startswith(OTHER_DOORS)} == set()
    assert WAY.keys() - loaded == set()
