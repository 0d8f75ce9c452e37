"""The settings as one frozen model: names, types, defaults, and what a value must be."""

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from nfed.core.escape import has_bare_at
from nfed.core.job import LogFiles
from nfed.documents.checks import Policy
from nfed.settings.database import MASK, SUPABASE, StoreKind, masked_url, project, service_key
from nfed.settings.delivery import Recipient
from nfed.words import Language, Message, choose

PREFIX = "NFED_"
_MIN_TOKEN = 16
_SHORTEST_SECRET = 4
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+", re.IGNORECASE)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _auto(value: object) -> object:
    """`auto` in any case means None."""
    return None if isinstance(value, str) and value.strip().lower() == "auto" else value


def _paths(value: object) -> object:
    """Text as the PATH variable is written, or a list."""
    return [each for each in value.split(":") if each] if isinstance(value, str) else value


def _words(value: object) -> object:
    """Text with commas or blanks between, or a list."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


class Settings(BaseSettings):
    """Every setting; the names are those of nfed.toml, and of the environment after NFED_."""

    # Without decoding: a list is written as PATH is, not as JSON.
    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, enable_decoding=False
    )

    xml_folder: Path = Field(Path("xml_nf"), description="the drop folder")
    database_url: str = Field(
        "sqlite:///nfed.db",
        description="where documents are stored: sqlite:///PATH or postgresql://…",
    )
    supabase_url: str | None = Field(
        None,
        description="a Supabase project, fed over HTTPS, such as https://abcdefgh.supabase.co",
    )
    supabase_service_key: SecretStr | None = Field(
        None, description="its secret key: sb_secret_… or the legacy service_role JWT"
    )
    ledger: Path | None = Field(
        None,
        description="history of jobs and files; default: nfed-ledger.db, beside a SQLite database",
    )
    max_concurrent_uploads: int = Field(5, ge=1, le=100, description="chunks in flight")
    batch_timeout_seconds: Positive = Field(
        300, description="a job that makes no progress for this long fails; its files are retried"
    )
    debounce_seconds: float = Field(
        0.5, ge=0, description="a batch starts when nothing new has come for this long"
    )
    batch_max_wait_seconds: float = Field(
        5, ge=0, description="a settled file waits no longer than this for a batch"
    )
    batch_max_files: int = Field(5000, ge=1, le=100_000, description="files in one batch")
    settle_seconds: float = Field(
        0.3,
        ge=0,
        description="a file is taken once its size and mtime have not changed for this long",
    )
    incomplete_grace_seconds: float = Field(
        30,
        ge=0,
        description="XML that ends too early is refused once it has not changed for this long",
    )
    rescan_seconds: Positive = Field(60, description="the folder is scanned at least this often")
    force_polling: Annotated[bool | None, BeforeValidator(_auto)] = Field(
        None, description="look for changes by polling; auto: on network and FUSE file systems"
    )
    recursive: bool = Field(False, description="also take files from folders below")
    by_content: bool = Field(
        False, description="take files of any name that begin as XML, zip or gzip does"
    )
    max_file_bytes: int = Field(10_485_760, ge=1, description="larger files are refused unread")
    max_archive_bytes: int = Field(1 << 30, ge=1, description="larger archives are refused unread")
    max_archive_unpacked_bytes: int = Field(
        8 << 30, ge=1, description="bytes unpacked from one archive, all members together"
    )
    max_archive_members: int = Field(
        100_000,
        ge=1,
        le=1_000_000,
        description="members of one archive, those of archives inside included",
    )
    max_archive_ratio: int = Field(
        200, ge=1, description="unpacked bytes allowed for each packed byte, beyond max_file_bytes"
    )
    workers: Annotated[Annotated[int, Field(ge=1, le=256)] | None, BeforeValidator(_auto)] = Field(
        None, description="processes that read files; auto: one for each CPU core"
    )
    done_subfolders: str = Field(
        "%Y-%m-%d", description="folder below done/, as a strftime pattern; empty: none"
    )
    check_schema: Policy = Field(Policy.WARN, description="the official XSD: off, warn or refuse")
    check_key: Policy = Field(
        Policy.REFUSE, description="the key's check digit and the protocol's key: off, warn, refuse"
    )
    check_signature: Policy = Field(
        Policy.WARN, description="the signature, its certificate's CNPJ, the protocol's digest"
    )
    check_authorisation: Policy = Field(
        Policy.WARN, description="a protocol with cStat 100 or 150, not of the test environment"
    )
    check_totals: Policy = Field(
        Policy.WARN, description="sums of items, the formula of vNF, instalments, payments"
    )
    check_format: Policy = Field(
        Policy.WARN, description="the form of CPF, CNPJ, IE, NCM, CFOP; municipality against UF"
    )
    keep_xml: bool = Field(True, description="store the file's text in xml_completo")
    job_retention_days: Positive = Field(
        30, description="jobs that ended this long ago are forgotten, except failed ones"
    )
    http: str | None = Field(
        None, description="HOST:PORT of the HTTP API (extra nfed[api]); default: none"
    )
    api_token: SecretStr | None = Field(
        None, description="the Bearer token of HTTP clients; required beyond loopback"
    )
    users_file: Path | None = Field(
        None,
        description="who may log in to the page beside whoever has api_token (`nfed user`); "
        "default: nfed-users.json, beside the ledger",
    )
    upload_roots: Annotated[tuple[Path, ...], BeforeValidator(_paths)] = Field(
        (), description="folders, separated by colons, that HTTP clients may ask nfed to import"
    )
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        (),
        description="origins, separated by commas, whose pages may ask the HTTP API, such as "
        "https://erp.example; default: none",
    )
    upload_max_files: int = Field(100, ge=1, le=1000, description="files in one upload")
    upload_max_bytes: int = Field(
        104_857_600, ge=1, description="bytes in one upload, all files together"
    )
    language: Literal["auto", "en", "pt-BR"] = Field(
        "auto",
        description="of reasons, advice and commands: en or pt-BR; auto: Portuguese where the "
        "locale is (LC_ALL, LC_MESSAGES, LANG), else English",
    )
    delivery: tuple[Recipient, ...] = Field(
        (), description="recipients of `nfed deliver`, each a [[delivery]] of nfed.toml"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        description="auto: the journal's own fields where stderr is the journal and systemd-python "
        "is there, console on a terminal, else one JSON object a line",
    )
    log_files: LogFiles = Field(
        LogFiles.AUTO,
        description="a line at INFO for each file: auto (in batches of up to 100), always, never",
    )
    journal_socket: Path | None = Field(
        None, description="journald's socket, where it is not at its usual place (containers)"
    )

    @field_validator("xml_folder", "ledger", "journal_socket", "users_file", mode="before")
    @classmethod
    def _is_named(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError(Message("is empty: name a path"))
        return value

    @field_validator("http")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            host, colon, port = value.rpartition(":")
            if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65_536):
                raise ValueError(Message("is no HOST:PORT such as 127.0.0.1:8055"))
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    Message("{origin} is no origin such as https://erp.example", origin=origin)
                )
        return origins

    @field_validator("api_token")
    @classmethod
    def _is_a_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            text = value.get_secret_value()
            if len(text) < _MIN_TOKEN or not (text.isascii() and text.isprintable()):
                raise ValueError(
                    Message(
                        "must be at least {min_token} printable ASCII characters",
                        min_token=_MIN_TOKEN,
                    )
                )
            if " " in text:
                raise ValueError(Message("must not hold a space"))
        return value

    @field_validator("delivery")
    @classmethod
    def _are_told_apart(cls, value: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
        names = [each.name for each in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(Message("{name} is the name of two of them", name=name))
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("language", mode="before")
    @classmethod
    def _known_language(cls, value: object) -> object:
        """`pt_BR.UTF-8` and `pt` are meant as pt-BR, `en_US` as en."""
        if not isinstance(value, str):
            return value
        short = value.strip().lower()
        if short in ("", "auto"):
            return "auto"
        name, _, _ = short.replace("_", "-").partition(".")
        return {"pt": "pt-BR", "pt-br": "pt-BR", "en": "en", "en-us": "en"}.get(name, value)

    @field_validator("done_subfolders")
    @classmethod
    def _stays_below_done(cls, value: str) -> str:
        if not value:
            return value
        path = PurePosixPath(date(2026, 1, 2).strftime(value))
        if path.is_absolute() or ".." in path.parts or "\0" in value:
            raise ValueError(Message("must stay below done/, such as %Y-%m-%d or %Y/%m"))
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value.startswith("sqlite") and has_bare_at(value):
            raise ValueError(
                "holds an @ in its user or password that is not encoded; write it as %40"
            )
        try:
            url = make_url(value)
        # ValueError: a port that is none. Its text may hold the password of a URL without a host.
        except (ArgumentError, ValueError):
            raise ValueError(Message("is no database URL such as sqlite:///nfed.db")) from None
        match url.get_backend_name():
            case "sqlite" if not url.database or url.database == ":memory:":
                raise ValueError(Message("must name a file, such as sqlite:///nfed.db"))
            case "sqlite" | "postgresql" | "postgres":
                return value
            case _:
                raise ValueError(
                    Message("is neither sqlite:///path nor postgresql://user@host/database")
                )

    @field_validator("supabase_url")
    @classmethod
    def _is_a_project(cls, value: str | None) -> str | None:
        if not value:
            return None
        return project(value)

    @field_validator("supabase_service_key")
    @classmethod
    def _is_secret(cls, value: SecretStr | None) -> SecretStr | None:
        key = "" if value is None else value.get_secret_value().strip()
        return SecretStr(service_key(key)) if key else None

    @model_validator(mode="after")
    def _supabase_whole(self) -> "Settings":
        if (self.supabase_url is None) != (self.supabase_service_key is None):
            missing = SUPABASE[0] if self.supabase_url is None else SUPABASE[1]
            raise ValueError(
                Message(
                    "{missing} is missing: Supabase needs its address and its key", missing=missing
                )
            )
        return self

    @model_validator(mode="after")
    def _ledger_outside(self) -> "Settings":
        folder = self.xml_folder.resolve()
        for path in (self.ledger_path, self.sqlite_path):
            if path is not None and path.resolve().is_relative_to(folder):
                name = "ledger" if path == self.ledger else "database_url"
                raise ValueError(
                    Message(
                        "{name}: {path} must not lie inside the drop folder {xml_folder}",
                        name=name,
                        path=path,
                        xml_folder=self.xml_folder,
                    )
                )
        if self.sqlite_path and self.ledger_path.resolve() == self.sqlite_path.resolve():
            raise ValueError(
                Message(
                    "ledger: {ledger_path} is the database; the ledger needs a "
                    "file of its own, as a damaged one is set aside",
                    ledger_path=self.ledger_path,
                )
            )
        return self

    @property
    def store_kind(self) -> StoreKind:
        """The one place that decides which store is used."""
        if self.supabase_url is not None:
            return StoreKind.SUPABASE
        if make_url(self.database_url).get_backend_name() == "sqlite":
            return StoreKind.SQLITE
        return StoreKind.POSTGRES

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite database's file; None for any other store."""
        if self.store_kind is not StoreKind.SQLITE:
            return None
        return Path(make_url(self.database_url).database or "")

    @property
    def database_shown(self) -> str:
        """The database as a person may see it."""
        if self.supabase_url is not None:
            return self.supabase_url
        path = self.sqlite_path
        return masked("database_url", self.database_url) if path is None else str(path)

    @property
    def supabase(self) -> tuple[str, str]:
        """Address and secret key of the Supabase project; only where that is the store."""
        assert self.supabase_url is not None
        assert self.supabase_service_key is not None
        return self.supabase_url, self.supabase_service_key.get_secret_value()

    @property
    def ledger_path(self) -> Path:
        """The ledger's file."""
        beside = self.sqlite_path or Path("nfed.db")
        return self.ledger or beside.with_name("nfed-ledger.db")

    @property
    def users_path(self) -> Path:
        """The file of users."""
        return self.users_file or self.ledger_path.with_name("nfed-users.json")

    @property
    def spoken(self) -> Language:
        """The language to speak, `auto` resolved."""
        return choose(None if self.language == "auto" else self.language)

    @property
    def worker_count(self) -> int:
        """Worker processes, `auto` resolved."""
        return self.workers or len(os.sched_getaffinity(0))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Without secrets, wherever a repr ends up."""
        for name, value in super().__repr_args__():
            yield name, masked(name, value) if name in ("database_url", SUPABASE[1]) else value

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets that no output may show."""
        password = make_url(self.database_url).password
        found = {str(password), quote_plus(str(password))} if password else set()
        for name in Settings.model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                found.add(value.get_secret_value())
        # What is too short cannot be told from words.
        return frozenset(each for each in found if len(each) >= _SHORTEST_SECRET)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Made by hand, settings hold what they are given; `load` alone asks the sources."""
        return (init_settings,)


def masked(name: str, value: object) -> str:
    """A setting's value as it may be shown: passwords in URLs replaced."""
    if name == "database_url":
        return masked_url(str(value))
    if name == SUPABASE[1] and value is not None:
        return MASK
    if value is None:
        return "auto" if name in ("workers", "force_polling") else ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ":".join(each.name if isinstance(each, Recipient) else str(each) for each in value)
    return str(value)  # of a SecretStr: stars


def changed_names(old: Settings, new: Settings) -> list[str]:
    """The settings whose values differ."""
    return [name for name in Settings.model_fields if getattr(old, name) != getattr(new, name)]
