"""Nothing is kept of a file that has gone its way: not even its name.

pathlib interns the parts of each path, and Python before 3.12.5 never lets go of an interned
string: 130 bytes a file, for ever. So no Path is made of a file's name.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nfed.api import create_app
from nfed.batch import BatchProcessor
from nfed.intake.refused import dismiss, put_back, refused_files
from tests.api.test_api_mounted import client_of, ended
from tests.support.cli_command import AT_ONCE, environment
from tests.support.notes import note

_FEW, _MANY = 20, 200
_SPARE = 40
"""What else may be interned meanwhile, by whatever is imported late."""
# Runs a command twice in one process, and says how many strings more are interned after the second.
_TWICE = """
import sys
from nfed.cli import app
command, sizes = sys.argv[1:], []
for folder in ("few", "many"):
    sys.argv = ["nfed", *(each.replace("FOLDER", folder) for each in command)]
    try:
        app()
    except SystemExit as ended:
        assert ended.code in (0, 1), ended.code
    sizes.append(sys.getunicodeinternedsize())
print(sizes[1] - sizes[0], file=sys.stderr)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in AT_ONCE.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def drop(folder: Path, count: int, prefix: str) -> None:
    """Each with a name of its own; one of ten is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = note(1, items=1)
    for number in range(count):
        content = whole if number % 10 else b"<no/>"
        # No Path here: it would intern the name itself, before anything is counted.
        with open(f"{folder}/{prefix}-{number:04d}.xml", "wb") as file:
            file.write(content)


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--once", "--folder", "FOLDER"],
        ["import", "FOLDER"],
        ["import", "--move", "FOLDER"],
        ["retry", "--all", "--folder", "FOLDER"],
    ],
    ids=" ".join,
)
def test_a_command_interns_nothing_of_a_file(home, command):
    for folder, count in (("few", _FEW), ("many", _MANY)):
        drop(home / folder / "failed" if command[0] == "retry" else home / folder, count, folder)

    ran = subprocess.run(
        [sys.executable, "-c", _TWICE, *command],
        cwd=home,
        env=environment(home, **AT_ONCE),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ran.returncode == 0, ran.stderr
    assert int(ran.stderr.splitlines()[-1]) <= _SPARE


@pytest.mark.parametrize("move", [False, True])
async def test_the_library_interns_nothing_of_a_file(home, move):
    drop(home / "xml_nf", _FEW, "few")
    async with BatchProcessor() as processor:
        await processor.process_folder("xml_nf", move=move)
        drop(home / "xml_nf", _MANY, "many")
        before = sys.getunicodeinternedsize()

        result = await processor.process_folder("xml_nf", move=move)

        assert sys.getunicodeinternedsize() - before <= _SPARE
    assert result["total"] >= _MANY


async def test_http_interns_nothing_of_an_upload_nor_of_what_was_refused(home):
    (home / "xml_nf").mkdir()

    async def send(prefix, count):
        files = [("files", (f"{prefix}-{n:04d}.xml", b"<no/>")) for n in range(count)]
        answer = await client.post("/batch/upload", files=files)
        await ended(client, answer.json()["job_id"])
        await ended(client, (await client.post("/batch/retry")).json()["job_id"])
        return answer.json()["files"]

    async with client_of(create_app()) as client:
        await send("few", _FEW)
        before = sys.getunicodeinternedsize()

        names = [name for each in "ab" for name in await send(each, _MANY // 2)]

        assert sys.getunicodeinternedsize() - before <= _SPARE
    assert len(names) == _MANY


def test_failed_is_listed_put_back_and_dismissed_without_interning_a_name(home):
    drop(home / "failed", _FEW, "few")
    dismiss(home, ["few-0000.xml"])
    put_back(home, None)
    drop(home / "failed", _MANY, "many")
    before = sys.getunicodeinternedsize()

    listed = refused_files(home)
    reasons = [each.reason() for each in listed]
    dismiss(home, [os.path.basename(each.path) for each in listed[:100]])
    put_back(home, None)

    assert sys.getunicodeinternedsize() - before <= _SPARE
    assert len(reasons) == _MANY
