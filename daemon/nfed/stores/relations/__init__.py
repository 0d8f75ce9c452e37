"""Applies documents to each other in either order: a protocol or cancellation to its note.

One SQL file each, in words that SQLite and PostgreSQL both understand, so that two stores cannot
differ in what a document does to another. There are three sorts:

- `on_notes` and `on_others` take the keys that a chunk brought and look at what is stored about
  them. They change nothing when they run again, so they run after every chunk, and it does not
  matter whether the note or its event came first.
- `renew_note`, `renew_document` and `renew_parties` give a stored row what a newer file says: the
  other writing of a document, or of a party. `supersede` and `empty` put one content in the place
  of another.
- `vouched` and `other_digests` only look: at which contents protocols by themselves are about.

Which document is new, renewed, a duplicate or a conflict is not decided here: see
`core.outcome.verdict`. The statements read no file's text and know no order of arrival; but for the
DigestValue in the text of a note that an older nfed has stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nfed.documents.layout import tables
from nfed.documents.standing import ENDED
from nfed.stores.sql import statement

_ON_NOTES = (
    "protocol",
    "summary_of_draft",
    "cancellation",
    "correction_registered",
    "correction",
    "summary_of_note",
    "summary_of_event",
)
_ON_OTHERS = ("other_protocol", "other_cancellation", "closing", "replaced", "replaced_by")
WAITING_TABLES = ("nf_eventos", "nf_protocolos", "nf_resumos")
"""While these are empty, no statement of `on_notes` has anything to do."""
_OF_THE_KEY = ("fonte_cancelamento", "protocolo_cancelamento", "justificativa_cancelamento")
_OF_THE_KEY_WHEN = ("data_hora_cancelamento", "data_hora_cancelamento_tz")
_KEPT_BELOW = ("nf_cce",)
"""Rows below a note that events made, not the note."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the statements say differently from one database to the other."""

    public: str
    """Stands before every table's name."""
    chaves: str
    """The keys that a chunk brought, as a subselect."""


def on_notes(dialect: Dialect) -> list[str]:
    """In order, what is to be done about notes, their events, protocols and summaries."""
    return [_filled(name, dialect) for name in _ON_NOTES]


def on_others(dialect: Dialect) -> list[str]:
    """The same for documents that are no notes."""
    return [_filled(name, dialect) for name in _ON_OTHERS]


def vouched(dialect: Dialect) -> str:
    """The query for chave and digest of what protocols by themselves accept."""
    return _filled("vouched", dialect)


def other_digests(dialect: Dialect) -> str:
    """The query for chave and text, where a protocol by itself is for other content."""
    return (
        f"select * from ({_filled('other_digest', dialect)}) as n\nunion all\n"
        f"select * from ({_filled('other_digest_of_other', dialect)}) as o"
    )


def rank_of(
    row: str, *, answered: str = "'documento'", codigo_status: str = "{row}.codigo_status"
) -> str:
    """`documents.standing.rank` of a row, as an expression."""
    return statement(
        "relations/rank.sql",
        codigo_status=codigo_status.format(row=row),
        numero_protocolo=f"{row}.numero_protocolo",
        answered=answered,
    )


def renew_note(dialect: Dialect, row: str, row_id: str) -> str:
    """Gives a stored note the protocol of another file of it; `row` is a source of one row."""
    return statement("relations/note.sql", public=dialect.public, row=row, id=row_id)


def renew_document(
    dialect: Dialect, head: str, columns: Iterable[str], row: str, row_id: str, *, prevails: bool
) -> str:
    """Fills a stored document from another writing; with `prevails`, that one's values go first.

    Its rows in other tables stay those of the first writing.
    """
    first, second = ("r", "d") if prevails else ("d", "r")
    return statement(
        "relations/document.sql",
        public=dialect.public,
        head=head,
        columns=",\n       ".join(
            f"{name} = coalesce({first}.{name}, {second}.{name})"
            for name in columns
            if name != "versao_linhas"
        ),
        row=row,
        id=row_id,
    )


def supersede(
    dialect: Dialect,
    head: str,
    columns: Iterable[str],
    row: str,
    row_id: str,
    expressions: Mapping[str, str],
) -> str:
    """Writes all of a row over the stored one; `expressions` say what is not simply the row's."""
    values = {name: f"r.{name}" for name in columns}
    kept = [name for name in (*_OF_THE_KEY, *_OF_THE_KEY_WHEN) if name in values]
    values |= {name: f"coalesce(r.{name}, d.{name})" for name in kept}
    if kept:
        values["status"] = f"case when d.status in {ENDED} then d.status else r.status end"
    values |= expressions
    return statement(
        "relations/supersede.sql",
        public=dialect.public,
        head=head,
        columns=",\n       ".join(f"{name} = {value}" for name, value in values.items()),
        row=row,
        id=row_id,
    )


def empty(dialect: Dialect, head: str, ids: str) -> list[str]:
    """Takes away the rows below documents that others take the place of; `ids` is a subselect."""
    found = []
    for table in tables().values():
        if table.parent == head and table.name not in _KEPT_BELOW:
            found += empty(
                dialect,
                table.name,
                f"(select id from {dialect.public}{table.name} where {table.link} in {ids})",
            )
            found.append(f"delete from {dialect.public}{table.name} where {table.link} in {ids}")
    return found


def renew_parties(dialect: Dialect, rows: str) -> str:
    """Keeps parties at their newest note.

    `rows` is a source of rows of empresas, one a party, from notes in which it has one role: of
    emissao_como_emitente and emissao_como_destinatario, the one of that role is there.
    """
    return statement("relations/parties.sql", public=dialect.public, rows=rows)


def takes(note: str, protocol: str, xml: str = "xml_completo") -> str:
    """Whether a protocol that came by itself is for the content of a stored row."""
    return statement("relations/takes.sql", n=note, p=protocol, xml=xml)


def rank_of_other(row: str) -> str:
    """`rank_of` a row of dfe_documentos that is no event."""
    return rank_of(row, answered=f"case when {row}.tipo like '%MDFe' then 'mdfe' else '' end")


def _filled(name: str, dialect: Dialect) -> str:
    return statement(
        f"relations/{name}.sql",
        public=dialect.public,
        chaves=dialect.chaves,
        rank_of_a=rank_of("a"),
        rank_of_p=rank_of("p"),
        rank_of_n=rank_of("n"),
        f_takes_a=takes("f", "a"),
        n_takes_a=takes("n", "a"),
        n_takes_p=takes("n", "p"),
        replacements=statement(
            "relations/replacements.sql", public=dialect.public, chaves=dialect.chaves
        ),
        dfe_rank_of_a=rank_of_other("a"),
        dfe_rank_of_p=rank_of_other("p"),
        dfe_rank_of_n=rank_of_other("n"),
        dfe_f_takes_a=takes("f", "a", "xml"),
        dfe_n_takes_p=takes("n", "p", "xml"),
    )
