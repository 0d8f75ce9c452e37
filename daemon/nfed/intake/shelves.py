"""Puts files away: done/<date>/ or failed/ with the reason beside it, never over a namesake."""

import asyncio
import errno
import json
import os
import stat
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.archive import kept_name
from nfed.core.escape import escaped, escaped_json
from nfed.core.outcome import Refused, Shelf, shelf_for
from nfed.core.ports import Fate
from nfed.documents.checks import Finding
from nfed.intake.folder import DONE, FAILED
from nfed.intake.moved import ERROR_SUFFIX, FileChanged, LastMoved, sync_folder
from nfed.intake.rename import free_names
from nfed.intake.watcher import Writes
from nfed.words import Language, Message, word

_BEING_WRITTEN = ".nfed-being-written"
_LOG_EVERY_SECONDS = 60.0

log: FilteringBoundLogger = structlog.get_logger("nfed")


class FolderShelves:
    """done/ and failed/ of one drop folder; only the holder of the folder's lock writes there.

    It makes them where they are missing, and never the drop folder: one that was unmounted must
    not be made anew under its mount point. Made in a running loop, it hears of late writes at once.
    """

    def __init__(
        self, root: Path, done_subfolders: str, language: Language = Language.ENGLISH
    ) -> None:
        """`language` is that of the reasons beside refused files."""
        self._root = str(root)
        self._done_subfolders = done_subfolders
        self._language = language
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nfed-shelves")
        self._trouble_said = -_LOG_EVERY_SECONDS
        self._stuck = 0
        self._writes = Writes(self._root)
        self._last = LastMoved(self._root, self._writes)
        self._loop: asyncio.AbstractEventLoop | None = None
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        if self._loop is not None and self._writes.descriptor >= 0:
            self._loop.add_reader(self._writes.descriptor, self._look_at_written)
        with suppress(OSError):
            os.unlink(f"{self._root}/{FAILED}/{_BEING_WRITTEN}")  # of a run that was killed
        self.take_over()

    def close(self) -> None:
        """Waits for moves under way, and looks at what was written meanwhile."""
        loop = self._loop
        if loop is not None and self._writes.descriptor >= 0 and not loop.is_closed():
            loop.remove_reader(self._writes.descriptor)
        self._look_at_written()
        self._thread.submit(self._last.close)
        self._thread.shutdown(wait=True)
        self._writes.close()

    def take_over(self) -> None:
        """Goes on with what the last run on this folder left; also of one that came back."""
        self._thread.submit(self._last.resume)

    def _look_at_written(self) -> None:
        # In the thread that moves, after what is being moved now.
        self._thread.submit(self._last.look_at, self._writes.take())

    async def put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        """See ports.Shelves. A file that cannot be moved stays, and is a duplicate later."""
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
        failed = f"{self._root}/{FAILED}"
        try:
            self._ensure(FAILED)
            _keep(
                failed,
                content,
                kept_name(fate.arrival.path),
                _reason(fate, fate.outcome, job_id, self._language),
            )
        except OSError as error:
            self._say_trouble(fate, FAILED, error)
            return False
        return True

    def _put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        done = self._done_folder(datetime.now().astimezone())
        moves = {
            done: [fate for fate in fates if shelf_for(fate.outcome) is Shelf.DONE],
            FAILED: [fate for fate in fates if shelf_for(fate.outcome) is Shelf.FAILED],
        }
        touched: set[str] = set()
        stuck: list[Fate] = []
        for shelf, going in moves.items():
            # No shelf is made in a mount point that was left behind.
            there = [fate for fate in going if self._is_there(fate)]
            if not there:
                continue
            try:
                self._ensure(shelf)
            except OSError as error:
                self._say_trouble(there[0], shelf, error)
                stuck += there
                continue
            self._last.expect(there, shelf)
            for fate in there:
                try:
                    if isinstance(fate.outcome, Refused):
                        self._refuse(fate, fate.outcome, job_id)
                    else:
                        self._move(fate, shelf)
                except FileChanged:
                    stuck.append(fate)
                except OSError as error:
                    if self._is_there(fate):
                        self._say_trouble(fate, shelf, error)
                        stuck.append(fate)
                else:
                    touched |= {shelf, os.path.dirname(fate.arrival.path)}
        self._sync(touched)
        return stuck

    def _is_there(self, fate: Fate) -> bool:
        """False for a file that alone is gone, and not the whole folder with it."""
        path = f"{self._root}/{fate.arrival.path}"
        if os.path.lexists(path) or not os.path.isdir(self._root):
            return True
        log.warning("file_vanished_before_move", file=escaped(fate.arrival.path))
        return False

    def _move(self, fate: Fate, shelf: str) -> None:
        for name in free_names(os.path.basename(fate.arrival.path)):
            with suppress(FileExistsError):
                self._last.move(fate, f"{shelf}/{name}")
                return
        raise FileExistsError(errno.EEXIST, "no free name", shelf)

    def _refuse(self, fate: Fate, refused: Refused, job_id: str) -> None:
        """Reason first, file second: no refused file lies there without its reason."""
        said = _reason(fate, refused, job_id, self._language)
        for name in free_names(os.path.basename(fate.arrival.path), len(ERROR_SUFFIX)):
            target = f"{self._root}/{FAILED}/{name}"
            if os.path.lexists(target):
                continue
            _write_whole(target + ERROR_SUFFIX, said)
            try:
                self._last.move(fate, f"{FAILED}/{name}")
            except FileExistsError:
                continue
            except (OSError, FileChanged):
                with suppress(OSError):
                    os.unlink(target + ERROR_SUFFIX)
                raise
            return

    def _done_folder(self, now: datetime) -> str:
        below = now.strftime(self._done_subfolders) if self._done_subfolders else ""
        return "/".join(part for part in (DONE, *below.split("/")) if part)

    def _ensure(self, shelf: str) -> None:
        """Makes what is missing of it below the drop folder."""
        if os.path.isdir(f"{self._root}/{shelf}"):
            return
        at = self._root
        for part in shelf.split("/"):
            above, at = at, f"{at}/{part}"
            with suppress(FileExistsError):
                _make(at, as_open_as=self._root if part == FAILED else None)
                sync_folder(above)

    def _sync(self, folders: set[str]) -> None:
        """Makes the moves durable; a cut that undoes one costs a duplicate check."""
        for folder in folders:
            try:
                sync_folder(f"{self._root}/{folder}")
            except OSError as error:
                if self._may_say():
                    log.error(
                        "folder_unavailable",
                        error=f"{self._root}/{folder} cannot be synced: {error.strerror}",
                        advice="look at the disk; moves that a power cut undoes are made again",
                    )

    def _say_trouble(self, fate: Fate, shelf: str, error: OSError) -> None:
        self._stuck += 1
        if self._may_say():
            log.error(
                "file_move_failed",
                file=escaped(fate.arrival.path),
                target=f"{self._root}/{shelf}",
                error=error.strerror,
                files=self._stuck,
                advice="its fate is recorded; it stays in the folder and is tried again",
            )
            self._stuck = 0

    def _may_say(self) -> bool:
        """Once a minute: a disk that fails fails for every file."""
        now = time.monotonic()
        if now - self._trouble_said < _LOG_EVERY_SECONDS:
            return False
        self._trouble_said = now
        return True


def _make(folder: str, as_open_as: str | None) -> None:
    """Makes it; those who may write in `as_open_as` may take files out of it as well.

    By the umask, for a chmod that keeps the group's bit is forbidden in the service's sandbox
    (RestrictSUIDSGID=), and one that drops it would take the files from the group.
    """
    if as_open_as is None or not os.stat(as_open_as).st_mode & stat.S_IWGRP:
        os.mkdir(folder)
        return
    before = os.umask(0o007)
    try:
        os.mkdir(folder)
    finally:
        os.umask(before)


def _keep(failed: str, content: bytes, wanted: str, said: bytes) -> None:
    """Reason first, file second, unless the same bytes lie there already under such a name."""
    for name in free_names(wanted, len(ERROR_SUFFIX)):
        target = f"{failed}/{name}"
        if not os.path.lexists(target):
            _write_whole(target + ERROR_SUFFIX, said)
            _write_whole(target, content)
        elif not _holds(target, content) or not os.path.exists(target + ERROR_SUFFIX):
            continue
        # Else by a run that was interrupted, or from the same archive dropped again.
        sync_folder(failed)
        return


def _holds(path: str, content: bytes) -> bool:
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size != len(content):
            return False
        with open(path, "rb") as file:
            return file.read() == content
    except OSError:
        return False


def _reason(fate: Fate, refused: Refused, job_id: str, language: Language) -> bytes:
    """In words, and what they were made of, so that a reader of another language has his own."""
    said = {
        "file": escaped(fate.arrival.path),
        "error": word(refused.error, language),
        "error_type": refused.error_type,
        "code": refused.code,
        "advice": word(refused.advice, language),
        "timestamp": fate.at.isoformat(timespec="milliseconds"),
        "job_id": job_id,
        "sha256": fate.reading.sha256,
        "chave": refused.chave,
        "warnings": [_warning(found, language) for found in refused.findings],
        "reason": {**_message(refused.error), "advice": refused.advice},
    }
    return escaped_json(json.dumps(said, ensure_ascii=False, indent=2)).encode() + b"\n"


def _warning(found: Finding, language: Language) -> dict[str, object]:
    said = {"code": found.code, "text": word(found.text, language)}
    return {**said, **_message(found.text)}


def _message(text: str) -> dict[str, object]:
    return text.to_json() if isinstance(text, Message) else {"message": text, "facts": {}}


def _write_whole(path: str, content: bytes) -> None:
    temporary = f"{os.path.dirname(path)}/{_BEING_WRITTEN}"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # an orphan of a crash may stand there
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise
