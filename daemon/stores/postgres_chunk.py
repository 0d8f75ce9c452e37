"""The SQL function that stores a whole chunk: for those who reach a database over HTTPS only.

It does in one call and one transaction what `postgres_write` does in many over a connection of its
own: takes the documents' locks, decides what each is to the one stored under its key as
`core.verdict` does, adds rows and parties, renews what goes further, and applies what documents do
to each other. `supabase_chunk` makes what it takes, and reads what it returns.

Every name in it stands for itself: no statement is made of what a caller sends.
"""

import re

from daemon.documents.document import rank
from daemon.documents.layout import Table, tables
from daemon.stores import apply, postgres_sql
from daemon.stores.chunk import LINKS
from daemon.stores.schema import Backend, stored_columns

SIGNATURE = "public.nfed_store(jsonb)"
FORM = "3"
"""Of what it takes. Another one is refused: an old daemon meets a new function."""
OTHER_FORM = "P0N02"
"""SQLSTATE of our own: this nfed and the function are not of one version."""
STATEMENT_SECONDS = 60

_TEXT = """\
create or replace function public.nfed_store(chunk jsonb) returns text
    language plpgsql
    set search_path = ''
    set statement_timeout = '{seconds}s'
    set lock_timeout = '{lock_seconds}s'
    -- What was planned while a table was empty would be slow when it is full.
    set plan_cache_mode = 'force_custom_plan' as
$store$
declare
    v_locks bigint[];
    v_identities jsonb;
    v_documents jsonb;
    v_named jsonb;
    v_rows jsonb;
    v_part jsonb;
    v_n int[];
    v_p int[];
    v_sequence regclass;
    v_answers jsonb := '[]';
    v_answer jsonb;
    v_act text[];
    v_id bigint[];
    v_new_content boolean[];
    v_party bigint[];
    v_parties jsonb := '[]';
    v_newest jsonb;
    v_chaves text[];
    v_notes text[] := '{{}}';
    v_others text[] := '{{}}';
    v_each record;
{declarations}
begin
    -- Some gateways hand a JSON argument over as a string that holds it.
    if jsonb_typeof(chunk) = 'string' then
        chunk := (chunk #>> '{{}}')::jsonb;
    end if;
    if chunk ->> 'form' is distinct from '{form}' then
        raise exception 'public.nfed_store takes chunks of form {form}, not of form %',
            chunk ->> 'form' using errcode = '{other_form}';
    end if;

    -- One chunk at a time works on a document: in one order, so that two wait for each other never.
    v_locks := array(select jsonb_array_elements_text(chunk -> 'locks')::bigint);
    if cardinality(v_locks) <= {most_locks} then
        perform pg_advisory_xact_lock_shared({gate});
        perform pg_advisory_xact_lock(each) from unnest(v_locks) as each;
    else
        perform pg_advisory_xact_lock({gate});
    end if;

    -- What is small is taken out of the chunk, which every statement about it would copy.
    v_identities := chunk -> 'identities';

    -- The parties that new notes name and that are missing: once and in one order, for others wait
    -- for them. A note that is not stored is new with the first of its writings.
    insert into public.empresas (cpf_cnpj, id_estrangeiro, razao_social)
    select r.cpf_cnpj, r.id_estrangeiro, r.razao_social
      from jsonb_array_elements(v_identities) as e (value)
     cross join lateral jsonb_populate_record(null::public.empresas, e.value) as r
     where exists (select from jsonb_array_elements_text(e.value -> '_keys') as note (key)
                    where not exists (select from public.notas_fiscais f
                                       where f.chave_acesso = note.key))
       and not exists (select from public.empresas k where k.cpf_cnpj = r.cpf_cnpj)
       and not exists (select from public.empresas k
                        where r.cpf_cnpj is null and k.cpf_cnpj is null
                          and k.id_estrangeiro = r.id_estrangeiro
                          and k.razao_social = r.razao_social)
     order by 1, 2, 3
        on conflict do nothing;
    select array_agg(
               case when e.value ->> 'cpf_cnpj' is not null
                    then (select k.id from public.empresas k
                           where k.cpf_cnpj = e.value ->> 'cpf_cnpj')
                    else (select k.id from public.empresas k
                           where k.cpf_cnpj is null
                             and k.id_estrangeiro = e.value ->> 'id_estrangeiro'
                             and k.razao_social = e.value ->> 'razao_social')
                end order by e.ord)
      into v_party
      from jsonb_array_elements(v_identities) with ordinality as e (value, ord);

    for v_number in 0 .. jsonb_array_length(chunk -> 'waves') - 1 loop
        v_documents := chunk #> array['waves', v_number::text, 'documents'];
        v_named := chunk #> array['waves', v_number::text, 'parties'];
        v_rows := chunk #> array['waves', v_number::text, 'rows'];

        with doc as (
            select ord::int as n, value ->> 'head' as head, value ->> 'key' as key,
                   value ->> 'chave' as chave, (value ->> 'rank')::int as rank,
                   value ->> 'content' as content, (value ->> 'event')::boolean as is_event
              from jsonb_array_elements(v_documents) with ordinality as e (value, ord)
        ),
        held as ({held}),
        -- What stands for a summary.
        whole as (
            select d.n, e.id, e.arquivo_nome as file, 1 as place
              from doc d join public.nf_eventos e on e.identificador = d.key
             where d.head = 'nf_resumos'
             union all
            select d.n, f.id, f.arquivo_nome, 2
              from doc d join public.notas_fiscais f on f.chave_acesso = d.chave
             where d.head = 'nf_resumos' and d.key like 'resNFe-%-1'
        ),
        known as (
            select d.n, d.head, coalesce(w.id, h.id) as id, h.content, {rank_of_held} as rank,
                   coalesce(w.file, h.file) as file,
                   h.content is not null and d.content is not null and h.content <> d.content
                       as is_other,
                   d.content is not null and h.content is distinct from d.content as is_new_content,
                   w.n is not null as is_whole, h.n is not null as is_known,
                   d.rank as new_rank, d.content as new_content, d.is_event
              from doc d
              left join held h on h.n = d.n
              left join (select distinct on (n) * from whole order by n, place) w on w.n = d.n
        ),
        decided as (
            select k.*,
                   case when k.is_whole then 'replaced'
                        when not k.is_known then 'insert'
                        when k.is_other and k.is_event and k.rank < {registered}
                         and k.new_rank >= {registered} then 'update'
                        when k.is_other then 'conflict'
                        when k.new_rank > k.rank or k.content is null
                         and k.new_content is not null and k.head <> 'notas_fiscais' then 'update'
                        else 'duplicate'
                    end as act
              from known k
        ),
        numbered as (
            select d.n, d.act, d.is_new_content,
                   case d.act when 'insert' then nextval(pg_get_serial_sequence(
                       'public.' || d.head, 'id')::regclass) else d.id end as id,
                   jsonb_build_object('act', d.act, 'is_known', d.is_known,
                                      'content', d.content, 'rank', d.rank, 'file', d.file)
                       as answer
              from (select * from decided order by n) as d
        )
        select array_agg(act order by n), array_agg(id order by n),
               array_agg(is_new_content order by n),
               jsonb_agg(answer || jsonb_build_object('id', id) order by n)
          into v_act, v_id, v_new_content, v_answer
          from numbered;
        v_answers := v_answers || v_answer;

        -- Another attempt replaces a stored event: its fields go first.
        delete from public.nf_eventos_campos c
         where c.nf_evento_id in (
                   select v_id[ord]
                     from jsonb_array_elements(v_documents)
                          with ordinality as e (value, ord)
                    where value ->> 'head' = 'nf_eventos' and v_act[ord] = 'update'
                      and v_new_content[ord]);

        -- These look at no table, and the plans of foreign keys' checks are worth keeping.
        perform set_config('plan_cache_mode', 'auto', true);
{inserts}
        perform set_config('plan_cache_mode', 'force_custom_plan', true);
        -- What goes further than the one that is stored.
        if 'update' = any (v_act) then
            for v_each in
                select ord as n, value ->> 'head' as head,
                       v_rows -> (value ->> 'head') -> 'rows' -> (array_position(array(
                           select jsonb_array_elements_text(v_rows -> (value ->> 'head') -> 'n')
                       ), ord::text) - 1) as row,
                       (value ->> 'rank')::int >= (v_answer -> (ord - 1)::int ->> 'rank')::int
                           as prevails
                  from jsonb_array_elements(v_documents) with ordinality as e (value, ord)
                 where v_act[ord] = 'update'
                 order by ord
            loop
{renewals}
            end loop;
        end if;

        v_notes := v_notes || array(
            select value ->> 'chave'
              from jsonb_array_elements(v_documents) with ordinality as e (value, ord)
             where v_act[ord] in ('insert', 'update') and value ->> 'head' <> 'dfe_documentos');
        v_others := v_others || array(
            select value ->> 'chave'
              from jsonb_array_elements(v_documents) with ordinality as e (value, ord)
             where v_act[ord] in ('insert', 'update') and value ->> 'head' = 'dfe_documentos');
        v_parties := v_parties || (
            select coalesce(jsonb_agg(e.value || jsonb_build_object(
                       'id', v_party[(e.value ->> 'i')::int]) order by e.ord), '[]')
              from jsonb_array_elements(v_named) with ordinality as e (value, ord)
             where v_act[(e.value ->> 'n')::int] = 'insert');
    end loop;

    -- Only now what documents do to each other: an earlier wave's must not decide about a later's.
    v_chaves := array(select distinct unnest(v_notes));
    if {waiting} then
{on_notes}
    end if;
    v_chaves := array(select distinct unnest(v_others));
    if cardinality(v_chaves) > 0 then
{on_others}
    end if;

    -- Changes to parties come last, in order.
    perform 1 from public.empresas
      where id in (select (value ->> 'id')::bigint from jsonb_array_elements(v_parties))
      order by id for no key update;
{parties}
    return v_answers::text;
end
$store$"""
_HELD = """
            select d.n, h.id, h.conteudo_sha256 as content, h.arquivo_nome as file,
                   {answered} as codigo_status, h.numero_protocolo
              from doc d join public.{head} h on h.{key} = d.key
             where d.head = '{head}'"""
_NUMBERS = """
            v_sequence := pg_get_serial_sequence('public.{table}', 'id')::regclass;
            v_{table} := array(select case when v_act[n] = 'insert' then nextval(v_sequence) end
                                 from unnest(v_n) with ordinality as e (n, ord) order by ord);"""
_ABOVE = """
            v_p := array(select jsonb_array_elements_text(v_part -> 'p')::int);"""
_INSERT = """
        if v_rows ? '{table}' then
            v_part := v_rows -> '{table}';
            v_n := array(select jsonb_array_elements_text(v_part -> 'n')::int);{above}{numbers}
            insert into public.{table} ({names})
            select {values}
              from jsonb_populate_recordset(null::public.{table}, v_part -> 'rows')
                   with ordinality as r
             where {condition}
             order by r.ordinality;
        end if;"""
_PARTIES = """
    select jsonb_agg(newest.value) into v_newest
      from (select distinct on ((e.value ->> 'id')::bigint)
                   e.value || jsonb_build_object(
                       'emissao_como_{papel}', e.value ->> 'issued') as value
              from jsonb_array_elements(v_parties) with ordinality as e (value, ord)
             where e.value ->> 'papel' = '{papel}'
             order by (e.value ->> 'id')::bigint, e.value ->> 'issued' collate "C" desc, e.ord desc
           ) as newest;
    if v_newest is not null then
        {update};
    end if;"""
_CHAVES = "(select unnest(v_chaves))"


def text() -> str:
    """`create or replace function …`, made from the layout."""
    layout = [table for name, table in tables().items() if name != "empresas"]
    heads = [table for table in layout if table.key is not None]
    numbered = _numbered(layout)
    return _TEXT.format(
        seconds=STATEMENT_SECONDS,
        lock_seconds=STATEMENT_SECONDS // 2,
        form=FORM,
        other_form=OTHER_FORM,
        most_locks=postgres_sql.MOST_LOCKS,
        gate=postgres_sql.GATE,
        declarations="\n".join(f"    v_{name} bigint[];" for name in numbered),
        held="\n             union all".join(_held(head) for head in heads) + "\n        ",
        rank_of_held=apply.rank_of("h"),
        registered=rank("135"),
        inserts="\n".join(_insert(table, numbered) for table in layout),
        renewals=_renewals(heads),
        waiting=_qualified(
            " or ".join(
                f"exists (select from {name} where chave_acesso = any (v_chaves))"
                for name in apply.WAITING_TABLES
            )
        ),
        on_notes=_applied(apply.NOTE_STATEMENTS),
        on_others=_applied(apply.OTHER_STATEMENTS),
        parties="\n".join(
            _PARTIES.format(
                papel=papel,
                update=_qualified(
                    postgres_sql.update_parties(papel).replace("$1::jsonb", "v_newest")
                ),
            )
            for papel in LINKS
        ),
    )


def _numbered(layout: list[Table]) -> list[str]:
    """Tables whose rows other rows point to, and that are no documents."""
    heads = {table.name for table in layout if table.key is not None}
    parents = {table.parent for table in layout if table.parent is not None}
    return [table.name for table in layout if table.name in parents - heads]


def _held(head: Table) -> str:
    has_status = "codigo_status" in head.stored_names
    return _HELD.format(
        head=head.name, key=head.key, answered="h.codigo_status" if has_status else "null::text"
    )


def _insert(table: Table, numbered: list[str]) -> str:
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
    if table.name == "nf_processamento":
        condition = f"v_act[{number}] in ('insert', 'update')"
    elif table.name == "nf_eventos_campos":
        condition += f" or v_act[{number}] = 'update' and v_new_content[{number}]"
    return _INSERT.format(
        table=table.name,
        above=_ABOVE if table.parent in numbered else "",
        numbers=_NUMBERS.format(table=table.name) if table.name in numbered else "",
        names=", ".join(named),
        values=", ".join(named.values()),
        condition=condition,
    )


def _renewals(heads: list[Table]) -> str:
    lines = []
    for keyword, head in zip(("if", *["elsif"] * len(heads)), heads, strict=False):
        if head.name == "notas_fiscais":
            body = _renewal(postgres_sql.update_protocol())
        else:
            prevailing, filling = (
                _renewal(postgres_sql.update_head(head, prevails=prevails))
                for prevails in (True, False)
            )
            body = f"if v_each.prevails then {prevailing} else {filling} end if;"
        lines.append(f"            {keyword} v_each.head = '{head.name}' then\n            {body}")
    return "\n".join([*lines, "            end if;"])


def _renewal(sql: str) -> str:
    sql = sql.replace("$1", "v_id[v_each.n]").replace("$2::jsonb", "v_each.row")
    return f"{_qualified(sql)};"


def _applied(statements: tuple[str, ...]) -> str:
    return "\n".join(
        f"        {_qualified(each.format(chaves=_CHAVES)).strip()};" for each in statements
    )


def _qualified(sql: str) -> str:
    """With the schema before every table's name."""
    names = "|".join(tables())
    return re.sub(rf"\b(from|join|update|into|null::)(\s*)({names})\b", r"\1\2public.\3", sql)
