"""Keeps the people who may log in to the page, in a file of their own: users_file.

A password is kept as its scrypt hash (RFC 7914), each with a salt. The file is written whole and
put in the place of the one before it, with mode 0600; one that others may read is not used.
"""

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from nfed.errors import ConfigError
from nfed.words import Message

LEAST_PASSWORD = 10
_MOST_PASSWORD = 1000
_NAME = re.compile(r"\w(?:[\w .@-]{0,38}[\w.])?")
_COST, _BLOCK, _PARALLEL = 1 << 15, 8, 1
_MEMORY_BYTES = 64 << 20
_SALT_BYTES = 16
_OTHERS = 0o077


class Role(StrEnum):
    """What somebody may do on the page."""

    LOOK = "ver"
    OPERATE = "operar"
    """Also send files, put them back, set them aside, and cancel jobs."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in."""

    name: str
    role: Role
    salt: str
    """Hexadecimal, as is `hash`."""
    hash: str

    def has(self, password: str) -> bool:
        """Tells whether it is the password; takes a tenth of a second, on purpose."""
        return hmac.compare_digest(_hash(password, self.salt), self.hash)


NOBODY = User("", Role.LOOK, "00" * _SALT_BYTES, "")
"""Has no password; asking for it takes as long as for another's."""


class Users:
    """The file, read anew whenever it has changed; there need be none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] = ()
        self._found: dict[str, User] = {}

    def all(self) -> dict[str, User]:
        """Everybody by name. Raises ConfigError for a file that cannot be used."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unfit(error.strerror or str(error)) from error
        seen = (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)
        if seen != self._seen:
            if status.st_mode & _OTHERS:
                raise self._unfit(Message("others may read it; chmod 600 it"))
            self._found, self._seen = self._read(), seen
        return self._found

    def add(self, name: str, role: Role, password: str) -> None:
        """Adds somebody. Raises ConfigError for a name that there is, or that is none."""
        name = unicodedata.normalize("NFC", name)
        if not _NAME.fullmatch(name):
            raise ConfigError(
                Message("{name} is no name of a user: letters and digits, 40 at most", name=name)
            )

        def change(found: dict[str, User]) -> None:
            if name in found:
                raise ConfigError(Message("there is a user {name} already", name=name))
            found[name] = _with_password(User(name, role, "", ""), password)

        self._change(change)

    def set_password(self, name: str, password: str) -> None:
        """Gives somebody another password. Raises ConfigError for nobody."""

        def change(found: dict[str, User]) -> None:
            found[name] = _with_password(self._known(found, name), password)

        self._change(change)

    def remove(self, name: str) -> None:
        """Takes somebody out. Raises ConfigError for nobody."""

        def change(found: dict[str, User]) -> None:
            del found[self._known(found, name).name]

        self._change(change)

    def _known(self, found: dict[str, User], name: str) -> User:
        if name not in found:
            raise ConfigError(Message("there is no user {name}", name=name))
        return found[name]

    def _read(self) -> dict[str, User]:
        try:
            told = json.loads(self.path.read_text("utf-8"))
            users = [
                User(str(each["name"]), Role(each["role"]), str(each["salt"]), str(each["hash"]))
                for each in told["users"]
            ]
            for each in users:
                bytes.fromhex(each.salt)
        except OSError as error:
            raise self._unfit(error.strerror or str(error)) from error
        except (ValueError, TypeError, KeyError) as error:
            raise self._unfit(Message("it is not what nfed user writes")) from error
        return {each.name: each for each in users}

    def _change(self, change: Callable[[dict[str, User]], None]) -> None:
        try:
            with _alone(self.path):
                found = dict(self.all())
                change(found)
                self._write(found)
        except OSError as error:
            raise self._unfit(error.strerror or str(error)) from error

    def _write(self, found: dict[str, User]) -> None:
        told = json.dumps({"users": [asdict(each) for each in found.values()]}, indent=1)
        beside = self.path.with_name(f".{self.path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(told + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._seen = ()

    def _unfit(self, reason: str) -> ConfigError:
        return ConfigError(Message("users_file {path}: {reason}", path=self.path, reason=reason))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds off whoever else changes the file."""
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _with_password(user: User, password: str) -> User:
    if not LEAST_PASSWORD <= len(password) <= _MOST_PASSWORD:
        raise ConfigError(
            Message("a password has at least {least} characters", least=LEAST_PASSWORD)
        )
    salt = secrets.token_hex(_SALT_BYTES)
    return replace(user, salt=salt, hash=_hash(password, salt))


def _hash(password: str, salt: str) -> str:
    secret = unicodedata.normalize("NFC", password)[:_MOST_PASSWORD].encode("utf-8", "replace")
    return hashlib.scrypt(
        secret, salt=bytes.fromhex(salt), n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=_MEMORY_BYTES
    ).hex()
