"""`nfed retry`: puts refused files back into the drop folder."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from nfed.cli import output
from nfed.cli.exits import ExitCode, complain
from nfed.cli.loading import load
from nfed.core.escape import escaped
from nfed.errors import FolderUnavailable
from nfed.intake.folder import FAILED
from nfed.intake.left_alone import is_candidate
from nfed.intake.refused import find_refused, move_back, refused_files
from nfed.words import Message


def retry(files: Sequence[Path], folder: Path | None) -> int:
    """Puts the named files back, all when none is named; returns the exit code."""
    root = load({"xml_folder": folder}).settings.xml_folder
    code = ExitCode.OK
    found: dict[str, None] = {}
    for file in files:
        refused = find_refused(root / FAILED, file)
        if refused is None:
            complain(
                Message(
                    "{file} is not a refused file in {root}",
                    file=escaped(str(file)),
                    root=escaped(str(root / FAILED)),
                )
            )
            code = ExitCode.SOME_REFUSED
        else:
            found[refused] = None
    if not files:
        found = {each.path: None for each in refused_files(root)}
    count = _put_back(found, root)
    output.say(
        Message(
            "{files} put back into {root}",
            files=output.files(count),
            root=escaped(str(root)),
        )
    )
    return code


def _put_back(found: Iterable[str], root: Path) -> int:
    count = 0
    for refused in found:
        try:
            name = move_back(refused, root)
        except FileNotFoundError:
            continue  # somebody else was quicker
        except OSError as error:
            raise FolderUnavailable(
                Message(
                    "cannot move {refused} back: {strerror}",
                    refused=escaped(refused),
                    strerror=error.strerror,
                )
            ) from error
        count += 1
        if not is_candidate(name):
            complain(
                Message(
                    "{name} does not end in .xml: only `nfed import` takes it", name=escaped(name)
                )
            )
    return count
