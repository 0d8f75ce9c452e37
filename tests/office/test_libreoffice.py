"""LibreOffice opens the spreadsheets, and reads in them what is stored.

No part of `make test`, which takes PyPI and npm alone; `.ci/run` installs LibreOffice and runs it.
"""

import csv
import json
import subprocess
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from nfed.documents.layout.columns import Integer, Moment, Number
from nfed.stores.pages import subjects
from tests.support.cli_command import nfed
from tests.support.notes import generator
from tests.support.other_documents import cte

# Field and text separators, UTF-8, from line 1, each column as it is, every sheet.
_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false,false,false,-1"
_CTE = "35260311222333000181570010000000771000000073"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of notes with all that a spreadsheet could take for something else."""
    home = tmp_path_factory.mktemp("office")
    (home / "xml_nf").mkdir()
    for number in range(12):
        note = generator().note(number, items=3, rich=True)
        (home / "xml_nf" / note.name).write_bytes(note.xml)
    (home / "xml_nf" / "cte.xml").write_bytes(cte(_CTE))
    assert nfed(home, "import", "xml_nf").returncode == 0
    return home


@pytest.mark.parametrize("what", ["notas", "itens", "documentos"])
def test_libreoffice_reads_every_cell_as_it_is_stored(home: Path, what: str) -> None:
    for form in ("xlsx", "jsonl"):
        said = nfed(home, "export", what, "--format", form, "-o", f"{what}.{form}")
        assert said.returncode == 0, said.stderr
    lines = (home / f"{what}.jsonl").read_text("utf-8").splitlines()
    wanted = [json.loads(line) for line in lines]

    heading, *rows = read_by_libreoffice(home, f"{what}.xlsx")

    fields = subjects()[what].fields
    assert heading == [field.name for field in fields]
    assert len(rows) == len(wanted) > 0
    for row, line in zip(rows, wanted, strict=True):
        for cell, field in zip(row, fields, strict=True):
            told = line.get(field.name)
            match field.kind:
                case _ if told is None:
                    assert cell == ""
                case Number() | Integer():
                    assert Decimal(cell) == Decimal(told)
                case Moment():
                    assert cell == datetime.fromisoformat(told).strftime("%m/%d/%Y %H:%M:%S")
                case _:
                    assert cell == told


def read_by_libreoffice(home: Path, name: str) -> list[list[str]]:
    """The cells of the only sheet, numbers and not what is shown of them."""
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{home}/profile"]
    command += ["--convert-to", _CSV, "--outdir", f"{home}/out", name]
    subprocess.run(command, cwd=home, check=True, timeout=120, capture_output=True)
    (sheet,) = (home / "out").glob(f"{Path(name).stem}-*.csv")
    with open(sheet, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
