"""`nfed retry`: refused files go back into the drop folder."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from daemon.cli import output
from daemon.cli.exits import ExitCode, complain
from daemon.core.arrival import shown
from daemon.errors import FolderUnavailable
from daemon.intake.folder import FAILED, is_candidate
from daemon.intake.refused import find_refused, move_back, refused_files
from daemon.settings import load


def retry(files: Sequence[Path], folder: Path | None) -> int:
    """Puts the named files back, all when none is named; returns the exit code."""
    root = load({"xml_folder": folder}).settings.xml_folder
    code = ExitCode.OK
    found: dict[Path, None] = {}
    for file in files:
        refused = find_refused(root / FAILED, file)
        if refused is None:
            complain(f"{shown(str(file))} is not a refused file in {shown(str(root / FAILED))}")
            code = ExitCode.SOME_REFUSED
        else:
            found[refused] = None
    if not files:
        found = {each.path: None for each in refused_files(root)}
    count = _put_back(found, root)
    output.say(f"{output.plural(count, 'file')} put back into {shown(str(root))}")
    return code


def _put_back(found: Iterable[Path], root: Path) -> int:
    count = 0
    for refused in found:
        try:
            name = move_back(refused, root)
        except FileNotFoundError:
            continue  # somebody else was quicker
        except OSError as error:
            raise FolderUnavailable(
                f"cannot move {shown(str(refused))} back: {error.strerror}"
            ) from error
        count += 1
        if not is_candidate(name):
            complain(f"{shown(name)} does not end in .xml: only `nfed import` takes it")
    return count
