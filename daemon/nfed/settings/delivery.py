"""Reads who is given the XML, as [[delivery]] in nfed.toml names them."""

import re
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nfed.words import Message

_CPF_CNPJ = re.compile(r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}")


class Recipient(BaseModel):
    """One who is given what is new and what has changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    what: Literal["notas", "documentos", "xml"] = "xml"
    """NF-e and NFC-e with their events, the other documents and theirs, or all."""
    empresa: str | None = None
    """CPF or CNPJ; None: every company's."""
    role: Literal["emitente", "destinatario"] | None = None
    modelo: str | None = Field(None, pattern="^[0-9]{2}$")
    de: date | None = None
    """What was issued before this date is not given."""
    folder: Path | None = None
    """Where a folder is put for each delivery."""
    zip: Path | None = None
    """Where a zip is put for each delivery."""
    command: tuple[str, ...] = ()
    """Run after each delivery, with its path as the last argument."""

    @field_validator("empresa")
    @classmethod
    def _is_a_company(cls, value: str | None) -> str | None:
        plain = None if value is None else re.sub(r"[./\-\s]", "", value).upper()
        if plain is not None and not _CPF_CNPJ.fullmatch(plain):
            raise ValueError(Message("{value!r} is no CNPJ or CPF", value=value))
        return plain

    @model_validator(mode="after")
    def _has_one_place(self) -> "Recipient":
        if (self.folder is None) == (self.zip is None):
            raise ValueError(
                Message("{name}: name either folder or zip, where it goes", name=self.name)
            )
        if self.role is not None and self.empresa is None:
            raise ValueError(Message("{name}: role needs empresa", name=self.name))
        return self

    @property
    def place(self) -> Path:
        """The folder of its deliveries."""
        found = self.folder or self.zip
        assert found is not None
        return found
