"""Which checks are made, and what the failure of each does."""

from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """What a failed check does to a document."""

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
