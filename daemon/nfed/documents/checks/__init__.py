"""Checks a document against itself, its schema and its signature, each check by its policy.

A check looks at one document and returns `Finding`s: a stable code (`codes`) and a sentence. What a
finding does is not its business: the `Policy` of the check (off, warn, refuse) decides, and a
refusal raises one of the `CheckFailed` of `nfed.errors`, with everything that was found. No check
asks a database, a network or a clock; certificates are compared with the issuer, not with a chain.

| module | looks at |
|---|---|
| `key` | the chave: its form, its check digit, the fields it is made of |
| `xsd` | the official XSD of the document's kind and version |
| `signature` | digest, RSA signature and certificate; `canonical` gives the signed bytes |
| `others` | totals of CT-e, MDF-e and NFS-e |
| `totals`, `payments` | sums of items, the formula of vNF, instalments, payments |
| `formats` | CPF, CNPJ, IE, municipality, NCM, CFOP |
| `note` | the others for a note, in order, and what the tax office answered |
"""

from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """Says what a failed check does to a document."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Checks:
    """The policy of every check, by the name that it has in the settings after `check_`."""

    schema: Policy = Policy.WARN
    key: Policy = Policy.REFUSE
    signature: Policy = Policy.WARN
    authorisation: Policy = Policy.WARN
    totals: Policy = Policy.WARN
    format: Policy = Policy.WARN
    keep_xml: bool = True

    @classmethod
    def none(cls) -> "Checks":
        """No check at all."""
        return cls(*(Policy.OFF,) * 6)

    @classmethod
    def from_fields(cls, said: dict[str, str | bool]) -> "Checks":
        """The reverse of dataclasses.asdict, also after a way through JSON."""
        policies = {name: Policy(str(said[name])) for name in said if name != "keep_xml"}
        return cls(**policies, keep_xml=bool(said["keep_xml"]))


@dataclass(frozen=True)  # without slots, which pickle by a slow road
class Finding:
    """A fault that a check found; the check's policy says what that does."""

    code: str
    """Stable, for the ledger and for error.json."""
    text: str
