"""`nfed retry`: refused files go back into the drop folder."""

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from daemon.cli import output
from daemon.cli.exits import ExitCode, complain
from daemon.cli.refused import refused_files
from daemon.core.arrival import shown
from daemon.errors import FolderUnavailable
from daemon.intake.folder import FAILED, is_candidate
from daemon.intake.shelves import ERROR_SUFFIX, error_path, free_names, move_without_replacing
from daemon.settings import load


def retry(files: Sequence[Path], folder: Path | None) -> int:
    """Puts the named files back, all when none is named; returns the exit code."""
    root = load({"xml_folder": folder}).settings.xml_folder
    code = ExitCode.OK
    found: dict[Path, None] = {}
    for file in files:
        refused = _find(root / FAILED, file)
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
            name = _move_back(refused, root)
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


def _find(failed: Path, file: Path) -> Path | None:
    """The refused file that is meant, by its name or by any path to it; None: there is none.

    Only a regular file that lies in failed/ itself is one, so neither ../ nor a symbolic link
    leads anywhere else. The reason's name means its file.
    """
    if file.parent != Path() and not _is_same(file.parent, failed):
        return None
    for name in (file.name, file.name.removesuffix(ERROR_SUFFIX)):
        if name in ("", "..") or (name == file.name and name.endswith(ERROR_SUFFIX)):
            continue
        with suppress(OSError):
            if stat.S_ISREG(os.lstat(failed / name).st_mode):
                return failed / name
    return None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _move_back(refused: Path, root: Path) -> str:
    """Moves one file, then takes its reason away; returns the name that it got."""
    reason = error_path(refused)
    inode = _inode(reason)
    for name in free_names(refused.name):
        try:
            move_without_replacing(refused, root / name)
        except FileExistsError:
            continue
        # A daemon may have refused it again meanwhile: the new reason stays.
        if inode is not None and _inode(reason) == inode:
            reason.unlink(missing_ok=True)
        return name
    raise AssertionError("free_names never ends")


def _inode(path: Path) -> int | None:
    try:
        return os.lstat(path).st_ino
    except OSError:
        return None
