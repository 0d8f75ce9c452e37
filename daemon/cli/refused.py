"""The refused files in failed/ and the reasons beside them: the directory is the truth."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daemon.core.arrival import shown
from daemon.errors import FolderUnavailable
from daemon.intake.folder import FAILED
from daemon.intake.shelves import ERROR_SUFFIX, error_path


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
