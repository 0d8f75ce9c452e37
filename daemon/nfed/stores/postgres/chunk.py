"""Makes of a chunk what nfed_store takes, and outcomes of what it returns.

What is sent is an object:

| name | holds |
|---|---|
| form | `functions.FORM` |
| locks | a number for each chave, in order |
| identities | who is who; `_notes`: the notes that name it, `first` their first writing |
| waves | the documents in order, one key never twice in a wave: the later one knows the earlier |

and a wave has `documents`, `rows` (by table: `rows`, objects by column; `n`, of each the document's
number; `p`, the number of its parent's row in that row's table) and `parties` (as notes write
them; `i`: the number of the identity). Numbers begin at 1. Values are text, so that no JSON reader
in between rounds one.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from types import UnionType
from typing import NotRequired, TypedDict

from pydantic_core import to_json

from nfed.core.escape import escaped
from nfed.core.outcome import Duplicate, Outcome, Stored, verdict
from nfed.core.ports import Incoming
from nfed.documents.document import Document
from nfed.documents.layout import positions, tables
from nfed.documents.rows.extract import Row, Value
from nfed.errors import StoreRejected, StoreUnavailable
from nfed.stores.chunk import (
    LINKS,
    PARTY_FIELDS,
    Identity,
    OtherDigest,
    filled,
    in_order,
    is_protocol_alone,
    parties,
    vouched,
    with_other_digest,
)
from nfed.stores.postgres.functions import FORM
from nfed.stores.tables import Backend, stored_columns
from nfed.words import Message

_IDENTITY = ("cpf_cnpj", "id_estrangeiro", "razao_social")
_PARTY_FIELDS = (*PARTY_FIELDS, "tipo_pessoa")

_ACTS = ("insert", "update", "supersede", "duplicate", "conflict", "replaced")
_ANSWER: dict[str, type | UnionType] = {
    "act": str,
    "is_known": bool,
    "id": int | None,
    "content": str | None,
    "rank": int,
    "file": str | None,
    "status": str | None,
    "is_accepted": bool,
    "is_vouched_for": bool,
}

type Object = dict[str, object]
"""Names and values; of a row's columns, those that hold anything."""


class Rows(TypedDict):
    """Of one table."""

    rows: list[Object]
    n: list[int]
    p: list[int]


class Wave(TypedDict):
    """See the table above."""

    documents: list[Object]
    rows: dict[str, Rows]
    parties: list[Object]


class Answer(TypedDict):
    """What became of one document."""

    act: str
    """insert, update, duplicate, conflict; supersede: it takes the place of another content;
    replaced: the whole of a summary is stored."""
    is_known: bool
    id: int | None
    """Of the stored document's row."""
    content: str | None
    rank: int
    file: str | None
    status: str | None
    is_accepted: bool
    """Of the stored one."""
    is_vouched_for: bool
    """Of the one that was sent: see `verdict`."""
    other_digest: NotRequired[list[str] | None]
    """Of a protocol for other content: see stores.chunk.OtherDigest."""


def waves(incoming: Sequence[Incoming], job_id: str) -> list[list[Incoming]]:
    """The documents in as few groups as can be."""
    # Of these the rest of their chave depends.
    leading = {
        each.document.chave
        for each in incoming
        if each.document.head == "nf_resumos" or is_protocol_alone(each.document)
    }
    times: dict[tuple[str, str], int] = {}
    found: list[list[Incoming]] = []
    for place in in_order(incoming):
        each = incoming[place]
        document = each.document
        at = positions(document.head)
        row = document.rows[document.head][0]
        row[at["arquivo_nome"]] = escaped(each.file_name)
        row[at["job_id"]] = job_id
        key = (document.head, document.key)
        if document.chave in leading:  # they look at other tables too
            key = ("", document.chave)
        number = times[key] = times.get(key, -1) + 1
        if number == len(found):
            found.append([])
        found[number].append(each)
    return found


def request(groups: Iterable[Sequence[Incoming]]) -> Object:
    """What to send for the groups that `waves` made."""
    made = [[each.document for each in group] for group in groups]
    locks = sorted({lock_of(document.chave) for group in made for document in group})
    who = _Who(vouched(document for group in made for document in group))
    return {
        "form": FORM,
        "locks": [str(each) for each in locks],
        "waves": [_wave(group, who) for group in made],
        "identities": who.identities(),
    }


def rows_of(documents: Sequence[Document]) -> dict[str, Rows]:
    """The rows of documents by table, as those of a wave."""
    return _wave(documents, _Who(set()))["rows"]


def json_of(chunk: Object) -> str:
    """The same as text, in a third of the time that `json` takes. Raises StoreRejected."""
    try:
        return to_json(chunk).decode()
    except ValueError as error:  # half a character
        raise StoreRejected(str(error)) from error


def outcomes(
    groups: Iterable[Iterable[Incoming]], returned: object
) -> dict[int, tuple[Outcome, int | None]]:
    """By the `id` of each document that was sent: its outcome, and the id of its row.

    The function decides by the rule of `verdict`; what it decided by becomes the file's outcome.
    Raises StoreUnavailable for what the function never returns.
    """
    sent = [each.document for group in groups for each in group]
    answers = _answers(returned)
    if len(answers) != len(sent):
        raise StoreUnavailable(
            Message(
                "expected {count} answers of nfed_store, found {answered}; "
                "nothing is lost, it is sent again",
                count=len(sent),
                answered=len(answers),
            )
        )
    return {
        id(document): (_outcome(document, answer), answer["id"])
        for document, answer in zip(sent, answers, strict=True)
    }


def lock_of(chave: str) -> int:
    """The number of the advisory lock that stands for a chave."""
    digest = blake2b(chave.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _outcome(document: Document, answer: Answer) -> Outcome:
    if answer["act"] == "replaced":
        return Duplicate(document.chave, answer["file"], document.findings)
    known = None
    if answer["is_known"]:
        known = Stored(
            answer["content"],
            answer["rank"],
            answer["file"],
            answer["status"],
            answer["is_accepted"],
        )
    outcome = verdict(document, known, is_vouched_for=answer["is_vouched_for"])
    told = answer.get("other_digest")
    return with_other_digest(document, outcome, None if told is None else OtherDigest(*told))


def _answers(returned: object) -> list[Answer]:
    """Those of the function, which came a long way."""
    try:
        answers: list[Answer] = json.loads(returned) if isinstance(returned, str) else []
        if all(map(_is_answer, answers)):
            return answers
    except (ValueError, TypeError, RecursionError):
        pass
    raise StoreUnavailable(Message("nfed_store returned what is no answer of it"))


def _is_answer(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.get("act") in _ACTS
        and all(isinstance(value.get(name, _ACTS), kinds) for name, kinds in _ANSWER.items())
        and (value.get("other_digest") is None or len(value["other_digest"]) == 3)
    )


class _Who:
    """Whom a chunk's notes name."""

    def __init__(self, vouched: set[tuple[str, str | None]]) -> None:
        """`vouched`: by chave, digests that protocols of the chunk accept."""
        self._vouched = vouched
        self._notes: dict[Identity, list[Object]] = {}
        self._seen: set[str] = set()
        self.numbers: dict[Identity, int] = {}

    def add(self, identities: Iterable[Identity], note: Document) -> None:
        """Those of one more writing of a note."""
        is_first = note.key not in self._seen
        self._seen.add(note.key)
        for identity in identities:
            self.numbers.setdefault(identity, len(self.numbers) + 1)
            about: Object = {
                "key": note.key,
                "first": is_first,
                "content": note.content_sha256,
                "as_written": note.content_as_written,
                "accepted": note.is_accepted or (note.chave, note.signed_digest) in self._vouched,
                "digest": note.signed_digest,
            }
            self._notes.setdefault(identity, []).append(about)

    def identities(self) -> list[Object]:
        """What to send, by number."""
        return [{**_known(_IDENTITY, each), "_notes": notes} for each, notes in self._notes.items()]


def _wave(documents: Sequence[Document], who: _Who) -> Wave:
    wave: Wave = {"documents": [], "rows": {}, "parties": []}
    gathered: dict[str, list[Row]] = {}
    for number, document in enumerate(documents, 1):
        wave["documents"].append(_about(document))
        _add_parties(wave, number, document, who)
        begins = {name: len(rows) for name, rows in gathered.items()}
        for name, own in document.rows.items():
            table = wave["rows"].setdefault(name, {"rows": [], "n": [], "p": []})
            table["n"] += [number] * len(own)
            parent = tables()[name].parent
            if parent is not None:
                before = begins.get(parent, 0) + 1
                table["p"] += [before + int(row[0] or 0) for row in own]
            gathered.setdefault(name, []).extend(own)
    for name, rows in gathered.items():
        wave["rows"][name]["rows"] = _objects(name, rows)
    return wave


def _about(document: Document) -> Object:
    return {
        "head": document.head,
        "key": document.key,
        "chave": document.chave,
        "rank": document.rank,
        "content": document.content_sha256,
        "as_written": document.content_as_written,
        "accepted": document.is_accepted,
        "digest": document.signed_digest,
    }


def _add_parties(wave: Wave, number: int, document: Document, who: _Who) -> None:
    """Also writes the numbers of the identities where the note's row has its parties' ids."""
    own = parties([document])
    who.add(dict.fromkeys(identity for _, identity in own.newest), document)
    own.link(who.numbers)
    for papel in LINKS:
        named = [identity for role, identity in own.newest if role == papel]
        for identity, (*values, issued) in zip(named, own.values(papel), strict=True):
            about: Object = {
                "i": who.numbers[identity],
                "n": number,
                "papel": papel,
                "issued": issued,
            }
            wave["parties"].append(about | _known(_PARTY_FIELDS, values))


def _known(names: Iterable[str], values: Iterable[Value]) -> Object:
    pairs = zip(names, values, strict=True)
    return {name: str(value) for name, value in pairs if value is not None}


def _objects(table: str, rows: Sequence[Row]) -> list[Object]:
    places = _places(table)
    used = [(name, places[name]) for name in filled(places, rows)]
    return [
        {
            name: value if value.__class__ is str else str(value)
            for name, at in used
            if (value := row[at]) is not None
        }
        for row in rows
    ]


@cache
def _places(table: str) -> dict[str, int]:
    return stored_columns(tables()[table], Backend.POSTGRES)
