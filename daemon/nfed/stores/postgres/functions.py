"""The functions that nfed makes in a PostgreSQL database, from `sql/` and the layout.

| function | does |
|---|---|
| nfed_store | stores a chunk: the only writer, for every daemon |
| nfed_notas, nfed_nota | list notes, and tell one with all its rows |
| nfed_documentos, nfed_documento | the same of other documents |
| nfed_relacionados | tells what cites a document, and what it cites |
| nfed_inutilizacoes | lists ranges of unused numbers |
| nfed_pagina_… | read pages of rows, a function for each subject of `stores.pages` |
| nfed_lacking, nfed_refill | tell which documents lack rows, and fill them |
| nfed_entrega | remembers what each recipient was given |
| nfed_set_updated_at | a trigger's |

A function's comment holds the digest of its text, so that a changed text is noticed and made again.
Nobody but their owner, Supabase's service_role, and roles that were granted to insert notes (to
select them, for those that read) may call them; not `public`, `anon` or `authenticated`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from nfed.documents.layout import EVENT_FIELDS, tables
from nfed.documents.layout.columns import Table
from nfed.documents.layout.dfe import DFE_ROWS, DFE_UNREADABLE
from nfed.documents.standing import Answered, least_accepted
from nfed.stores import deliveries, relations
from nfed.stores.chunk import LINKS, look_up
from nfed.stores.documents import MOST_RELATED
from nfed.stores.lists.listings import LISTINGS
from nfed.stores.pages.conditions import conditions
from nfed.stores.pages.subjects import Subject, subjects
from nfed.stores.postgres.lists import function_of
from nfed.stores.relations import WAITING_TABLES, Dialect
from nfed.stores.sql import statement
from nfed.stores.tables import Backend, below, stored_columns

FORM = "4"
"""Of the chunks that nfed_store takes; it refuses another, of a daemon of another version."""
OTHER_FORM = "P0N02"
"""SQLSTATE of our own: this nfed and the function are not of one version."""

_TYPES = {
    "since": "timestamp",
    "until": "timestamp",
    "chaves": "text[]",
    "identificadores": "text[]",
}
"""Of the values that choose the rows of a page; any other is text."""
_DIALECT = Dialect("public.", "(select unnest(v_chaves))")
_ROW = "jsonb_populate_record(null::public.{head}, v_each.row)"
_ROW_WITH_ZEROS = (
    "jsonb_populate_record(jsonb_populate_record(null::public.{head}, v_zeros -> '{head}'), "
    "v_each.row)"
)
_ROW_ID = "v_id[v_each.n]"
_ACCEPTED = least_accepted(Answered.DOCUMENT)


@dataclass(frozen=True, slots=True)
class Function:
    """One function. Its text names everything with its schema, as its search_path is empty."""

    signature: str
    """With the schema and the types of the arguments: `public.nfed_x(jsonb)`."""
    text: str
    """`create or replace function …`."""
    privilege: str | None = None
    """INSERT or SELECT: who has it on notas_fiscais may call it. None: nobody but its owner."""

    @property
    def comment(self) -> str:
        """What tells this text from another."""
        return f"nfed {sha256(self.text.encode()).hexdigest()[:16]}"


SET_UPDATED_AT = Function(
    "public.nfed_set_updated_at()",
    statement("postgres/sql/set_updated_at.sql"),
)
STORE = "public.nfed_store(jsonb)"
NOTE = "public.nfed_nota(text)"
DOCUMENT = "public.nfed_documento(text)"
RELATED = "public.nfed_relacionados(text)"
LACKING = "public.nfed_lacking(jsonb)"
REFILL = "public.nfed_refill(jsonb)"
DELIVER = "public.nfed_entrega(jsonb)"


@cache
def functions() -> tuple[Function, ...]:
    """All of them."""
    return (
        SET_UPDATED_AT,
        Function(STORE, _store(), "INSERT"),
        *(
            Function(f"public.{each.function}(jsonb)", function_of(each), "SELECT")
            for each in LISTINGS
        ),
        Function(NOTE, _note(), "SELECT"),
        Function(DOCUMENT, _document(), "SELECT"),
        Function(RELATED, _related(), "SELECT"),
        Function(LACKING, statement("postgres/sql/lacking.sql"), "INSERT"),
        Function(REFILL, _refill(), "INSERT"),
        Function(DELIVER, _deliver(), "INSERT"),
        *(
            Function(f"public.{page_of(each)}(jsonb)", _page(each), "SELECT")
            for each in subjects().values()
        ),
    )


def page_of(subject: Subject) -> str:
    """The name of the function that reads a page of it."""
    return f"nfed_pagina_{subject.name}"


def _store() -> str:
    layout = [table for name, table in tables().items() if name != "empresas"]
    heads = [table for table in layout if table.key is not None]
    party = [f'"{name}"' for name in stored_columns(tables()["empresas"], Backend.POSTGRES)]
    numbered = _numbered(layout)
    return _filled(
        "store",
        form=FORM,
        other_form=OTHER_FORM,
        declarations="\n".join(f"    v_{name} bigint[];" for name in numbered),
        tables=", ".join(f"'{table.name}'" for table in layout),
        party=", ".join(party),
        party_values=", ".join(f"r.{name}" for name in party),
        known="\nunion all\n".join(map(_known, heads)),
        emptied="\n".join(
            _filled("store_emptied", head=head, table=name, link=str(tables()[name].link))
            for head, name in EVENT_FIELDS.items()
        ),
        rank_of_held=_rank_held("h"),
        is_accepted_held=_is_accepted_held(),
        rank_of_e=relations.rank_of("e", answered="'evento'"),
        rank_of_f=relations.rank_of("f"),
        is_accepted_f=_is_accepted("f", relations.rank_of("f"), str(_ACCEPTED)),
        vouched_k=_vouched("k.chave", "k.digest"),
        vouched_held=_vouched("k.chave", "k.held_digest"),
        vouched_note=_vouched("note.value ->> 'key'", "note.value ->> 'digest'"),
        registered=str(least_accepted(Answered.EVENT)),
        accepted=str(_ACCEPTED),
        emptyings=_ended(
            each
            for head in heads
            for each in relations.empty(_DIALECT, head.name, _superseded_ids(head))
        ),
        supersessions="\n".join(map(_supersession, heads)),
        other_digests=relations.other_digests(_DIALECT),
        inserts="\n".join(_insert(table, numbered) for table in layout),
        renew_note=relations.renew_note(_DIALECT, _ROW.format(head="notas_fiscais"), _ROW_ID),
        renewals="\n".join(_renewal(head) for head in heads if head.name != "notas_fiscais"),
        waiting=" or ".join(
            f"exists (select from public.{name} where chave_acesso = any (v_chaves))"
            for name in WAITING_TABLES
        ),
        on_notes=_ended(relations.on_notes(_DIALECT)),
        on_others=_ended(relations.on_others(_DIALECT)),
        renew_parties=relations.renew_parties(
            _DIALECT, "jsonb_populate_recordset(null::public.empresas, v_newest)"
        ),
    )


def _refill() -> str:
    under = below("dfe_documentos")
    numbered = _numbered(under)
    direct = [table for table in under if table.parent == "dfe_documentos"]
    return _filled(
        "refill",
        declarations="\n".join(f"    v_{name} bigint[];" for name in numbered),
        deletes="\n".join(
            f"    delete from public.{table.name} where {table.link} = any (v_id);"
            for table in direct
        ),
        inserts="\n".join(_insert(table, numbered) for table in under),
        version=str(DFE_ROWS),
        unreadable=str(DFE_UNREADABLE),
        on_others=_ended(relations.on_others(_DIALECT)),
    )


def _whole(function: str, head: str, where: str, parties: str = "") -> str:
    under = [
        {"table": table.name, "link": str(table.link), "parent": str(table.parent)}
        for table in below(head)
    ]
    parents = {each["parent"] for each in under}
    numbered = [each for each in under if each["table"] in parents]
    return _filled(
        "whole",
        function=function,
        head=head,
        where=where,
        parties=parties,
        declarations="\n".join(f"    v_{each['table']} bigint[];" for each in numbered),
        ids="\n".join(_filled("whole_ids", **each) for each in numbered),
        rows="\n".join(_filled("whole_rows", **each) for each in under),
    )


def _note() -> str:
    where, parties = "t.chave_acesso = chave", _filled("whole_parties")
    return _whole("nfed_nota", "notas_fiscais", where, parties)


def _document() -> str:
    where = "t.chave_acesso = chave and t.especie = 'documento'"
    return _whole("nfed_documento", "dfe_documentos", where)


def _related() -> str:
    query = statement(
        "lists/relacionados.sql",
        public="public.",
        chave="nfed_relacionados.chave",
        limit=str(MOST_RELATED),
    )
    return _filled("related", query=query)


def _page(subject: Subject) -> str:
    order = subject.order
    first = "timestamp" if subject.by_note else "bigint"
    after = [f"v_after_{at}" for at in range(len(order))]
    known = conditions(subject, Backend.POSTGRES)
    types = {f"v_{name}": _TYPES.get(name, "text") for name in known}
    where = [
        f"(v_{name} is null or {text.format(public='public.', value=f'v_{name}')})"
        for name, text in known.items()
    ]
    where.append(f"(v_after_0 is null or ({', '.join(order)}) > ({', '.join(after)}))")
    if subject.by_note:
        rest = f"({', '.join(order[1:])}) > ({', '.join(after[1:])})"
        where += [
            # Of a row that spans two tables, nothing is looked up in an index.
            f"(v_after_0 is null or {order[0]} >= v_after_0)",
            f"(v_after_0 is not null or v_after_1 is null or {rest})",
            f"(v_dated is null or v_dated = ({order[0]} is not null))",
        ]
    selected = [*order, *(field.selected(Backend.POSTGRES) for field in subject.fields)]
    return _filled(
        "page",
        function=page_of(subject),
        declarations="\n".join(
            f"    {name} {kind};"
            for name, kind in {**types, **dict.fromkeys(after, "bigint"), after[0]: first}.items()
        ),
        values="\n".join(
            f"    {name} := {_from_json(name.removeprefix('v_'), kind)};"
            for name, kind in types.items()
        ),
        after="\n".join(
            f"    {name} := (busca -> 'after' ->> {at})::{first if at == 0 else 'bigint'};"
            for at, name in enumerate(after)
        ),
        page=statement(
            subject.file,
            public="public.",
            fields=f"json_build_array({', '.join(selected)}) as linha",
            where="\n   and ".join(where),
            order=", ".join(order),
            limit="v_limit",
        ),
    )


def _from_json(name: str, kind: str) -> str:
    """The value of that name in `busca`; null where there is none."""
    if kind != "text[]":
        return f"(busca ->> '{name}')::{kind}"
    listed = f"select jsonb_array_elements_text(busca -> '{name}')"
    return f"case when busca ? '{name}' then array({listed}) end"


def _deliver() -> str:
    names = ("emitente", "destinatario", "empresa", "since", "modelo")
    said = deliveries.Dialect(
        Backend.POSTGRES,
        public="public.",
        name="v_name",
        number="v_number",
        events="string_agg(v.evento, ' ')",
        keys="= any (v_keys)",
    )
    chosen = {name: f"v_{name}" for name in names}
    count = "get diagnostics v_more = row_count;\nv_count := v_count + v_more;"
    return _filled(
        "deliver",
        declarations="\n".join(f"    v_{name} {_TYPES.get(name, 'text')};" for name in names),
        values="\n".join(
            f"    v_{name} := (pedido ->> '{name}')::{_TYPES.get(name, 'text')};" for name in names
        ),
        due="\n".join(
            f"if v_what in ('{head.subject}', '{deliveries.What.ALL}') then\n"
            "    v_rest := v_limit - cardinality(v_keys);\n"
            f"    v_keys := v_keys || array({said.due(head, chosen, 'v_rest', optional=True)});\n"
            "end if;"
            for head in deliveries.HEADS
        ),
        record="\n".join(f"{said.record(head)};" for head in deliveries.HEADS),
        settle="\n".join(f"{said.settle(head)};\n{count}" for head in deliveries.HEADS),
        given=said.given("v_after", "v_limit"),
        begun=deliveries.Step.BEGUN.value,
        done=deliveries.Step.DONE.value,
    )


def _known(head: Table) -> str:
    return look_up(head, f"(select d.key where d.head = '{head.name}')", "public.")


def _numbered(layout: list[Table]) -> list[str | None]:
    """Tables whose rows other rows point to, and that are no documents."""
    heads = {table.name for table in layout if table.parent is None}
    parents = {table.parent for table in layout if table.parent is not None}
    return [table.name for table in layout if table.name in parents - heads]


def _insert(table: Table, numbered: list[str | None]) -> str:
    """Rows of new documents; of known ones, answers, and fields of an event that is replaced."""
    number = "v_n[r.ordinality]"
    named: dict[str, str] = {}
    if table.key is not None:
        named["id"] = f"v_id[{number}]"
    elif table.name in numbered:
        named["id"] = f"v_{table.name}[r.ordinality]"
    if table.link is not None:
        named[table.link] = (
            f"v_{table.parent}[v_p[r.ordinality]]"
            if table.parent in numbered
            else f"v_id[{number}]"
        )
    for name in stored_columns(table, Backend.POSTGRES):
        named[f'"{name}"'] = f'r."{name}"'
    if table.name == "notas_fiscais":
        for papel in LINKS:
            named[f'"{papel}_id"'] = f'v_party[r."{papel}_id"]'
    condition = f"v_act[{number}] = 'insert'"
    if table.key is None:
        condition = f"v_act[{number}] in ('insert', 'supersede')"
    if table.name == "nf_processamento":
        condition = f"v_act[{number}] in ('insert', 'update', 'supersede')"
    elif table.name in EVENT_FIELDS.values():
        condition += f" or v_act[{number}] = 'update' and v_new_content[{number}]"
    return _filled(
        "store_insert",
        table=table.name,
        above=_filled("store_above") if table.parent in numbered else "",
        numbers=_filled("store_numbers", table=table.name) if table.name in numbered else "",
        names=", ".join(named),
        values=", ".join(named.values()),
        condition=condition,
    )


def _renewal(head: Table) -> str:
    prevailing, filling = (
        relations.renew_document(
            _DIALECT,
            head.name,
            stored_columns(head, Backend.POSTGRES),
            _ROW.format(head=head.name),
            _ROW_ID,
            prevails=prevails,
        )
        for prevails in (True, False)
    )
    return _filled("store_renewal", head=head.name, prevailing=prevailing, filling=filling)


def _supersession(head: Table) -> str:
    expressions = {}
    if head.name == "notas_fiscais":
        expressions = {f"{papel}_id": f"v_party[r.{papel}_id]" for papel in LINKS}
    return _filled(
        "store_supersession",
        head=head.name,
        supersession=relations.supersede(
            _DIALECT,
            head.name,
            stored_columns(head, Backend.POSTGRES),
            _ROW_WITH_ZEROS.format(head=head.name),
            _ROW_ID,
            expressions,
        ),
    )


def _vouched(chave: str, digest: str) -> str:
    """Whether a protocol that is stored by itself accepts this content."""
    found = relations.vouched(Dialect("public.", f"({chave})"))
    return f"exists (select from ({found}) as protocol where protocol.digest = {digest})"


def _superseded_ids(head: Table) -> str:
    """The ids of those of one head."""
    return (
        "(select v_id[ord] "
        "from jsonb_array_elements(v_documents) with ordinality as e (value, ord) "
        f"where value ->> 'head' = '{head.name}' and v_act[ord] = 'supersede')"
    )


def _rank_held(row: str) -> str:
    return relations.rank_of(row, answered=f"{row}.answered")


def _is_accepted_held() -> str:
    least = (
        f"case when h.answered = 'evento' then {least_accepted(Answered.EVENT)} "
        f"else {_ACCEPTED} end"
    )
    return _is_accepted("h", _rank_held("h"), least)


def _is_accepted(row: str, rank: str, least: str) -> str:
    """`documents.standing.accepts` of a stored row, as an expression."""
    return (
        f"(({rank}) >= {least} and (coalesce(trim({row}.digest_value), '') = '' or "
        f"coalesce({row}.digest_assinatura, '') = '' or "
        f"trim({row}.digest_value) = {row}.digest_assinatura))"
    )


def _ended(statements: Iterable[str]) -> str:
    return "\n".join(f"{each};" for each in statements)


def _filled(name: str, **pieces: str) -> str:
    return statement(f"postgres/sql/{name}.sql", **pieces)
