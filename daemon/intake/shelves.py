"""Puts files away: done/<date>/ or failed/ with the reason beside it, never over a namesake."""

import asyncio
import ctypes
import errno
import json
import os
import stat
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.core.archive import kept_name
from daemon.core.arrival import shown
from daemon.core.outcome import Refused, Shelf, shelf_for
from daemon.core.ports import Fate
from daemon.intake.folder import DONE, FAILED

ERROR_SUFFIX = ".error.json"
_BEING_WRITTEN = ".nfed-being-written"
_MAX_NAME_BYTES = 255
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_LOG_EVERY_SECONDS = 60.0

log: FilteringBoundLogger = structlog.get_logger("nfed")
_libc = ctypes.CDLL(None, use_errno=True)


class FolderShelves:
    """done/ and failed/ of one drop folder; only the holder of the folder's lock writes there."""

    def __init__(self, root: Path, done_subfolders: str) -> None:
        self._root = root
        self._done_subfolders = done_subfolders
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nfed-shelves")
        self._trouble_said = -_LOG_EVERY_SECONDS
        self._stuck = 0
        with suppress(OSError):
            (root / FAILED / _BEING_WRITTEN).unlink()  # of a run that was killed meanwhile

    def close(self) -> None:
        """Waits for moves under way."""
        self._thread.shutdown(wait=True)

    async def put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        """See ports.Shelves. A file that cannot be moved stays, and comes again as a duplicate."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._put_away, fates, job_id
        )

    async def keep_member(self, fate: Fate, content: bytes, job_id: str) -> bool:
        """See ports.Shelves."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._keep_member, fate, content, job_id
        )

    def _keep_member(self, fate: Fate, content: bytes, job_id: str) -> bool:
        assert isinstance(fate.outcome, Refused)
        failed = self._root / FAILED
        try:
            _ensure_folder(failed)
            _keep(
                failed, content, kept_name(fate.arrival.path), _reason(fate, fate.outcome, job_id)
            )
        except OSError as error:
            self._say_trouble(fate, failed, error)
            return False
        return True

    def _put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        touched: set[str] = set()
        stuck: list[Fate] = []
        root, failed = str(self._root), f"{self._root}/{FAILED}"
        done = str(self._done_folder(datetime.now().astimezone()))
        for fate in fates:
            shelf = shelf_for(fate.outcome)
            if shelf is Shelf.STAY:
                continue
            target = done if shelf is Shelf.DONE else failed
            source = f"{root}/{fate.arrival.path}"
            try:
                if target not in touched:
                    _ensure_folder(Path(target))
                if isinstance(fate.outcome, Refused):
                    _write_reason(Path(source), Path(target), fate, fate.outcome, job_id)
                else:
                    _move(source, target, fate)
            except FileNotFoundError:
                log.warning("file_vanished_before_move", file=shown(fate.arrival.path))
            except OSError as error:
                self._say_trouble(fate, Path(target), error)
                stuck.append(fate)
            else:
                touched.add(target)
                touched.add(os.path.dirname(source))
        for folder in touched:
            _fsync_folder(folder)
        return stuck

    def _done_folder(self, now: datetime) -> Path:
        done = self._root / DONE
        below = now.strftime(self._done_subfolders) if self._done_subfolders else ""
        return done / below if below else done

    def _say_trouble(self, fate: Fate, target: Path, error: OSError) -> None:
        self._stuck += 1
        now = time.monotonic()
        if now - self._trouble_said >= _LOG_EVERY_SECONDS:
            self._trouble_said = now
            log.error(
                "file_move_failed",
                file=shown(fate.arrival.path),
                target=str(target),
                error=error.strerror,
                files=self._stuck,
                advice="its fate is recorded; it stays in the folder and is tried again",
            )
            self._stuck = 0


def error_path(refused: Path) -> Path:
    """Where the reason of a file in failed/ stands."""
    return refused.with_name(refused.name + ERROR_SUFFIX)


def move_without_replacing(source: str | Path, target: str | Path) -> None:
    """Renames, and raises FileExistsError rather than overwrite (renameat2(2)).

    Where the file system knows no RENAME_NOREPLACE it checks and renames, which is enough for
    the only writer of the target folder.
    """
    # os.fsencode: a name is bytes, and need not be UTF-8
    result = _libc.renameat2(
        _AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE
    )
    if result == 0:
        return
    code = ctypes.get_errno()
    if code not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(code, os.strerror(code), str(source), None, str(target))
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    os.rename(source, target)


def free_names(name: str, room: int = 0) -> Iterator[str]:
    """The name, then `name.2.xml`, `name.3.xml` …, each short enough for `room` more bytes."""
    stem, dot, suffix = name.rpartition(".")
    is_short = 4 * len(name) + room <= _MAX_NAME_BYTES  # so many bytes has a letter at most
    yield name if is_short else _fitting(stem, f"{dot}{suffix}", room)
    for number in range(2, 1_000_000):
        yield _fitting(stem, f".{number}{dot}{suffix}", room)


def _fitting(stem: str, suffix: str, room: int) -> str:
    raw = os.fsencode(stem)
    limit = _MAX_NAME_BYTES - room - len(os.fsencode(suffix))
    end = min(limit, len(raw))
    # Cut whole characters: at most three bytes 10xxxxxx go on with the one before.
    while limit - end < 3 and end < len(raw) and raw[end] & 0xC0 == 0x80:
        end -= 1
    return os.fsdecode(raw[:end]) + suffix


def _move(source: str, folder: str, fate: Fate) -> None:
    """Of every file that is imported, so without Path objects, which cost more than the rename."""
    for name in free_names(os.path.basename(source)):
        target = f"{folder}/{name}"
        try:
            move_without_replacing(source, target)
        except FileExistsError:
            continue
        _take_back_if_changed(source, target, fate)
        return
    raise FileExistsError(errno.EEXIST, "no free name", source)


def _take_back_if_changed(source: str | Path, target: str | Path, fate: Fate) -> None:
    """A producer may have put another file in the place of the one that was read."""
    status = os.stat(target, follow_symlinks=False)
    read = fate.reading.version or fate.arrival.version
    if (status.st_ino, status.st_size, status.st_mtime_ns) == read[:3]:
        return
    for name in free_names(os.path.basename(source)):
        try:
            move_without_replacing(target, Path(source).with_name(name))
        except FileExistsError:
            continue
        break
    raise OSError(errno.EAGAIN, "the file was replaced after it was read", str(source))


def _write_reason(source: Path, folder: Path, fate: Fate, refused: Refused, job_id: str) -> None:
    """Reason first, file second: no refused file lies there without its reason."""
    if not os.path.lexists(source):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(source))
    room = len(ERROR_SUFFIX)
    for name in free_names(source.name, room):
        target = folder / name
        if os.path.lexists(target):
            continue
        reason = error_path(target)
        _write_whole(reason, _reason(fate, refused, job_id))
        try:
            move_without_replacing(source, target)
        except FileExistsError:
            continue
        except OSError:
            reason.unlink(missing_ok=True)
            raise
        try:
            _take_back_if_changed(source, target, fate)
        except OSError:
            reason.unlink(missing_ok=True)
            raise
        return


def _keep(failed: Path, content: bytes, wanted: str, said: bytes) -> None:
    """Reason first, file second, unless the same bytes lie there already under such a name."""
    for name in free_names(wanted, len(ERROR_SUFFIX)):
        target = failed / name
        if os.path.lexists(target):
            if _holds(target, content) and error_path(target).exists():
                return  # by a run that was interrupted, or from the same archive dropped again
            continue
        _write_whole(error_path(target), said)
        _write_whole(target, content)
        _fsync_folder(failed)
        return


def _holds(path: Path, content: bytes) -> bool:
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size != len(content):
            return False
        return path.read_bytes() == content
    except OSError:
        return False


def _reason(fate: Fate, refused: Refused, job_id: str) -> bytes:
    said = {
        "file": shown(fate.arrival.path),
        "error": refused.error,
        "error_type": refused.error_type,
        "code": refused.code,
        "advice": refused.advice,
        "timestamp": fate.at.isoformat(timespec="milliseconds"),
        "job_id": job_id,
        "sha256": fate.reading.sha256,
        "chave": refused.chave,
        "warnings": [{"code": found.code, "text": found.text} for found in refused.findings],
    }
    return json.dumps(said, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(_BEING_WRITTEN)
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # an orphan of a crash may stand there
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _ensure_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    missing = [folder, *(parent for parent in folder.parents if not parent.exists())]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        _fsync_folder(each.parent)


def _fsync_folder(folder: str | Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
