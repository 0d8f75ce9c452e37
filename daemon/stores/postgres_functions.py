"""The functions that nfed makes in a PostgreSQL database.

A function's comment holds the digest of its text, so that a changed text is noticed and made again.
Nobody but their owner, and Supabase's service_role where `for_service` says so, may call them.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from daemon.stores import postgres_chunk, postgres_reading


@dataclass(frozen=True, slots=True)
class Function:
    """One function. Its text names everything with its schema, as its search_path is empty."""

    signature: str
    """With the schema and the types of the arguments: `public.nfed_x(jsonb)`."""
    text: str
    """`create or replace function …`."""
    for_service: bool = False

    @property
    def comment(self) -> str:
        """What tells this text from another."""
        return f"nfed {sha256(self.text.encode()).hexdigest()[:16]}"


SET_UPDATED_AT = Function(
    "public.nfed_set_updated_at()",
    """create or replace function public.nfed_set_updated_at() returns trigger
    language plpgsql set search_path = '' as
$$
begin
    new.updated_at := now() at time zone 'utc';
    return new;
end
$$""",
)


@cache
def functions() -> tuple[Function, ...]:
    """All of them."""
    return (
        SET_UPDATED_AT,
        Function(postgres_chunk.SIGNATURE, postgres_chunk.text(), for_service=True),
        Function(postgres_reading.LIST_SIGNATURE, postgres_reading.LIST, for_service=True),
        Function(postgres_reading.NOTE_SIGNATURE, postgres_reading.note(), for_service=True),
    )
