"""The refused files in failed/ and the reasons beside them: the directory is the truth."""

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nfed.core.escape import escaped
from nfed.errors import FolderUnavailable
from nfed.intake.folder import FAILED
from nfed.intake.moved import ERROR_SUFFIX
from nfed.intake.rename import free_names, move_without_replacing
from nfed.words import Message

DISMISSED = "dismissed"
"""The folder in failed/ of what somebody wants to see no more."""


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """One file in failed/."""

    path: str
    refused_at: float
    """Seconds since the epoch, by its time of change."""

    def reason(self) -> dict[str, object]:
        """What stands beside it, under the file's name of now; says so when nothing does.

        Its `error` is a message, and its `advice` a sentence in English, for `word`.
        """
        try:
            with open(error_path(self.path), "rb") as file:
                said = json.load(file)
        except (OSError, ValueError):
            said = None
        if not isinstance(said, dict):
            said = {
                "error": Message("no readable reason beside it"),
                "error_type": "Unknown",
            }
        found = said.get("reason")
        if isinstance(found, dict):  # its English, and what that is made of
            advice = found.get("advice")
            said["error"] = Message.from_json(found) or said.get("error")
            said["advice"] = advice if isinstance(advice, str) else said.get("advice")
        return {**said, "file": escaped(os.path.basename(self.path))}


def error_path(refused: str) -> str:
    """Where the reason of a file in failed/ stands."""
    return refused + ERROR_SUFFIX


def refused_files(folder: Path) -> list[RefusedFile]:
    """The newest first; empty when there is no failed/. Raises FolderUnavailable."""
    failed = folder / FAILED
    try:
        found = list(_regular(failed))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise FolderUnavailable(
            Message(
                "{failed}: {strerror}; run as the daemon's user, or give "
                "this one the right to read there",
                failed=failed,
                strerror=error.strerror,
            )
        ) from error
    return sorted(found, key=lambda each: (-each.refused_at, each.path))


def find_refused(failed: Path, file: str | Path) -> str | None:
    """The refused file that is meant, by its name or by any path to it; None: there is none.

    Only a regular file that lies in failed/ itself is one, so neither ../ nor a symbolic link
    leads anywhere else. The reason's name means its file.
    """
    parent, whole = os.path.split(file)
    if parent and not _is_same(parent, failed):
        return None
    for name in (whole, whole.removesuffix(ERROR_SUFFIX)):
        if name in ("", ".", "..") or (name == whole and name.endswith(ERROR_SUFFIX)):
            continue
        path = os.path.join(failed, name)
        with suppress(OSError):
            if stat.S_ISREG(os.lstat(path).st_mode):
                return path
    return None


def move_back(refused: str, root: Path) -> str:
    """Moves one file, then takes its reason away; returns the name that it got."""
    reason = error_path(refused)
    inode = _inode(reason)
    for name in free_names(os.path.basename(refused)):
        try:
            move_without_replacing(refused, os.path.join(root, name))
        except FileExistsError:
            continue
        # A daemon may have refused it again meanwhile: the new reason stays.
        if inode is not None and _inode(reason) == inode:
            with suppress(FileNotFoundError):
                os.unlink(reason)
        return name
    raise AssertionError("free_names never ends")


def put_back(folder: Path, names: Sequence[str] | None) -> int:
    """Moves the named refused files back, None: all; returns how many.

    Raises FolderUnavailable; KeyError for a name that is no refused file, before any is moved.
    """
    found: dict[str, None] = {}
    if names is None:
        found = {each.path: None for each in refused_files(folder)}
    found |= dict.fromkeys(_named(folder, names or ()))
    count = 0
    for refused in found:
        try:
            move_back(refused, folder)
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
    return count


def _regular(failed: Path) -> Iterator[RefusedFile]:
    with os.scandir(failed) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(ERROR_SUFFIX):
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    changed = entry.stat(follow_symlinks=False).st_ctime
                    yield RefusedFile(entry.path, changed)
            except FileNotFoundError:
                continue  # retried since the name was listed


def _is_same(one: str, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _inode(path: str) -> int | None:
    try:
        return os.lstat(path).st_ino
    except OSError:
        return None


def dismiss(folder: Path, names: Sequence[str]) -> int:
    """Moves refused files with their reasons to failed/dismissed/, never over a namesake.

    Returns how many. Raises FolderUnavailable; KeyError for a name that is no refused file,
    before any is moved.
    """
    failed = folder / FAILED
    found = dict.fromkeys(_named(folder, names))
    shelf = os.path.join(failed, DISMISSED)
    count = 0
    try:
        with suppress(FileExistsError):
            os.mkdir(shelf)
        for refused in found:
            count += _dismissed(refused, shelf)
    except OSError as error:
        raise FolderUnavailable(
            Message(
                "cannot move files to {shelf}: {strerror}", shelf=shelf, strerror=error.strerror
            )
        ) from error
    for each in (shelf, failed):
        with suppress(OSError):
            _fsync(each)
    return count


def _dismissed(refused: str, shelf: str) -> bool:
    """The file first, its reason second: a crash between the two leaves a reason alone, which
    nobody lists."""
    for name in free_names(os.path.basename(refused), len(ERROR_SUFFIX)):
        target = os.path.join(shelf, name)
        if os.path.lexists(error_path(target)):
            continue
        try:
            move_without_replacing(refused, target)
        except FileExistsError:
            continue
        except FileNotFoundError:
            return False  # somebody else was quicker
        with suppress(FileNotFoundError, FileExistsError):
            move_without_replacing(error_path(refused), error_path(target))
        return True
    raise AssertionError("free_names never ends")


def _named(folder: Path, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        refused = find_refused(folder / FAILED, os.path.basename(name))
        if refused is None or "/" in name or "\0" in name:
            raise KeyError(name)
        yield refused


def _fsync(folder: str | Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
