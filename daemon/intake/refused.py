"""The refused files in failed/ and the reasons beside them: the directory is the truth."""

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from daemon.core.arrival import shown
from daemon.errors import FolderUnavailable
from daemon.intake.folder import FAILED
from daemon.intake.shelves import ERROR_SUFFIX, error_path, free_names, move_without_replacing


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """One file in failed/."""

    path: Path
    refused_at: float
    """Seconds since the epoch, by its time of change."""

    def reason(self) -> dict[str, object]:
        """What stands beside it, under the file's name of now; says so when nothing does."""
        try:
            said = json.loads(error_path(self.path).read_bytes())
        except (OSError, ValueError):
            said = None
        if not isinstance(said, dict):
            said = {"error": "no readable reason beside it", "error_type": "Unknown"}
        return {**said, "file": shown(self.path.name)}


def refused_files(folder: Path) -> list[RefusedFile]:
    """The newest first; empty when there is no failed/. Raises FolderUnavailable."""
    failed = folder / FAILED
    try:
        found = list(_regular(failed))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise FolderUnavailable(
            f"{failed}: {error.strerror}; run as the daemon's user, or give this one the right to "
            "read there"
        ) from error
    return sorted(found, key=lambda each: (-each.refused_at, each.path.name))


def find_refused(failed: Path, file: Path) -> Path | None:
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


def move_back(refused: Path, root: Path) -> str:
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


def put_back(folder: Path, names: Sequence[str] | None) -> int:
    """Moves the named refused files back, None: all; returns how many.

    Raises FolderUnavailable; KeyError for a name that is no refused file, before any is moved.
    """
    found: dict[Path, None] = {}
    if names is None:
        found = {each.path: None for each in refused_files(folder)}
    for name in names or ():
        refused = find_refused(folder / FAILED, Path(os.path.basename(name)))
        if refused is None or "/" in name or "\0" in name:
            raise KeyError(name)
        found[refused] = None
    count = 0
    for refused in found:
        try:
            move_back(refused, folder)
        except FileNotFoundError:
            continue  # somebody else was quicker
        except OSError as error:
            raise FolderUnavailable(
                f"cannot move {shown(str(refused))} back: {error.strerror}"
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
                    yield RefusedFile(failed / entry.name, changed)
            except FileNotFoundError:
                continue  # retried since the name was listed


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _inode(path: Path) -> int | None:
    try:
        return os.lstat(path).st_ino
    except OSError:
        return None
