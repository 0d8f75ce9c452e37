"""A chunk as `postgres_chunk`'s function takes it, and what its answer means.

What is sent is an object:

| name | holds |
|---|---|
| form | `postgres_chunk.FORM` |
| locks | a number for each chave, in order |
| identities | who is who; `_keys`: the notes whose first writing names it |
| waves | the documents in order, one key never twice in a wave: the later one knows the earlier |

and a wave has `documents`, `rows` (by table: `rows`, objects by column; `n`, of each the document's
number; `p`, the number of its parent's row in that row's table) and `parties` (as notes write
them; `i`: the number of the identity). Numbers begin at 1. Values are text, so that no JSON reader
in between rounds one.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from types import UnionType
from typing import TypedDict

from daemon.core.arrival import shown
from daemon.core.outcome import Duplicate, Outcome
from daemon.core.ports import Incoming
from daemon.core.verdict import Stored, is_event, verdict
from daemon.documents.document import Document
from daemon.documents.extract import Row, Value
from daemon.documents.layout import positions, tables
from daemon.stores.chunk import LINKS, Identity, filled, parties
from daemon.stores.postgres_chunk import FORM
from daemon.stores.postgres_sql import lock_of
from daemon.stores.schema import Backend, stored_columns
from daemon.stores.sqlite_sql import PARTY_FIELDS

_IDENTITY = ("cpf_cnpj", "id_estrangeiro", "razao_social")
_PARTY_FIELDS = (*PARTY_FIELDS, "tipo_pessoa")

_ACTS = ("insert", "update", "duplicate", "conflict", "replaced")
_ANSWER: dict[str, type | UnionType] = {
    "act": str,
    "is_known": bool,
    "id": int | None,
    "content": str | None,
    "rank": int,
    "file": str | None,
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
    """insert, update, duplicate, conflict; replaced: the whole of a summary is stored."""
    is_known: bool
    id: int | None
    """Of the stored document's row."""
    content: str | None
    rank: int
    file: str | None


def waves(incoming: Sequence[Incoming], job_id: str) -> list[list[Incoming]]:
    """The documents in as few groups as can be."""
    summed_up = {each.document.chave for each in incoming if each.document.head == "nf_resumos"}
    times: dict[tuple[str, str], int] = {}
    found: list[list[Incoming]] = []
    for each in incoming:
        document = each.document
        at = positions(document.head)
        row = document.rows[document.head][0]
        row[at["arquivo_nome"]] = shown(each.file_name)
        row[at["job_id"]] = job_id
        key = (document.head, document.key)
        if document.chave in summed_up:  # a summary looks at other tables too
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
    who = _Who()
    return {
        "form": FORM,
        "locks": [str(each) for each in locks],
        "waves": [_wave(group, who) for group in made],
        "identities": who.told(),
    }


def outcome(document: Document, answer: Answer) -> Outcome:
    """The function decides by the same rule; what it decided by becomes the file's outcome."""
    if answer["act"] == "replaced":
        return Duplicate(document.chave, answer["file"], document.findings)
    known = None
    if answer["is_known"]:
        known = Stored(answer["content"], answer["rank"], answer["file"])
    return verdict(document, known)


def is_answer(value: object) -> bool:
    """Whether it is one of the function's, which came a long way."""
    return (
        isinstance(value, dict)
        and value.get("act") in _ACTS
        and all(isinstance(value.get(name, _ACTS), kinds) for name, kinds in _ANSWER.items())
    )


class _Who:
    """Whom a chunk's notes name."""

    def __init__(self) -> None:
        self._keys: dict[Identity, list[str]] = {}
        self._seen: set[str] = set()
        self.numbers: dict[Identity, int] = {}

    def add(self, identities: Iterable[Identity], key: str) -> None:
        """Those of one more writing of the note with this key."""
        is_first = key not in self._seen
        self._seen.add(key)
        for identity in identities:
            self.numbers.setdefault(identity, len(self.numbers) + 1)
            keys = self._keys.setdefault(identity, [])
            if is_first:
                keys.append(key)

    def told(self) -> list[Object]:
        """What to send, by number."""
        return [{**_known(_IDENTITY, each), "_keys": keys} for each, keys in self._keys.items()]


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
        "event": is_event(document),
    }


def _add_parties(wave: Wave, number: int, document: Document, who: _Who) -> None:
    """Also writes the numbers of the identities where the note's row has its parties' ids."""
    own = parties([document])
    who.add(dict.fromkeys(identity for _, identity in own.newest), document.key)
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
            name: value if isinstance(value, str) else str(value)
            for name, at in used
            if (value := row[at]) is not None
        }
        for row in rows
    ]


@cache
def _places(table: str) -> dict[str, int]:
    return stored_columns(tables()[table], Backend.POSTGRES)
