"""The SQL functions that read notes: for those who reach a database over HTTPS only.

They return JSON as text, since a JSON reader in between may round its numbers.
"""

from daemon.documents.layout import Table, tables

LIST_SIGNATURE = "public.nfed_notas(jsonb)"
NOTE_SIGNATURE = "public.nfed_nota(text)"

_FROM_TEXT = """\
    -- Some gateways hand a JSON argument over as a string that holds it.
    if jsonb_typeof(busca) = 'string' then
        busca := (busca #>> '{}')::jsonb;
    end if;"""

LIST = f"""\
create or replace function public.nfed_notas(busca jsonb) returns text
    language plpgsql stable
    set search_path = ''
    -- Only with its values does a search know which of its conditions there are.
    set plan_cache_mode = 'force_custom_plan' as
$store$
declare
    v_dated boolean;
    v_emitente text;
    v_destinatario text;
    v_from timestamp;
    v_until timestamp;
    v_after_moment timestamp;
    v_after_id bigint;
    v_limit integer;
begin
{_FROM_TEXT}
    v_dated := (busca ->> 'dated')::boolean;
    v_emitente := busca ->> 'emitente';
    v_destinatario := busca ->> 'destinatario';
    v_from := (busca ->> 'from')::timestamp;
    v_until := (busca ->> 'until')::timestamp;
    v_after_moment := (busca ->> 'after_moment')::timestamp;
    v_after_id := (busca ->> 'after_id')::bigint;
    v_limit := (busca ->> 'limit')::integer;
    return (
        select coalesce(jsonb_agg(page), '[]')::text
          from (select n.id, n.chave_acesso, n.modelo, n.serie, n.numero_nf, n.data_hora_emissao,
                       n.data_hora_emissao_tz, e.cpf_cnpj as emitente,
                       e.razao_social as emitente_nome, d.cpf_cnpj as destinatario,
                       d.razao_social as destinatario_nome, n.valor_total_nota, n.status
                  from public.notas_fiscais n
                  left join public.empresas e on e.id = n.emitente_id
                  left join public.empresas d on d.id = n.destinatario_id
                 where (v_dated and n.data_hora_emissao is not null
                        or not v_dated and n.data_hora_emissao is null)
                   and (v_emitente is null or n.emitente_id = (
                        select x.id from public.empresas x where x.cpf_cnpj = v_emitente))
                   and (v_destinatario is null or n.destinatario_id = (
                        select x.id from public.empresas x where x.cpf_cnpj = v_destinatario))
                   and (v_from is null or n.data_hora_emissao >= v_from)
                   and (v_until is null or n.data_hora_emissao < v_until)
                   and (v_after_moment is null
                        or (n.data_hora_emissao, n.id) < (v_after_moment, v_after_id))
                   and (v_dated or v_after_id is null or n.id < v_after_id)
                 order by n.data_hora_emissao desc, n.id desc
                 limit v_limit) as page
    );
end
$store$"""
_NOTE = """\
create or replace function public.nfed_nota(chave text) returns text
    language plpgsql stable
    set search_path = ''
    set plan_cache_mode = 'force_custom_plan' as
$store$
declare
    v_notas_fiscais bigint[];
{declarations}
    -- As text and not as jsonb, which would put a row's columns into an order of its own.
    v_found text;
begin
    v_notas_fiscais := array(
        select t.id from public.notas_fiscais t where t.chave_acesso = chave);
    v_found := '{{"notas_fiscais":' || coalesce((
        select json_agg(json_strip_nulls(row_to_json(t)))
          from public.notas_fiscais t where t.id = any (v_notas_fiscais))::text, '[]');
    v_found := v_found || ',"empresas":' || coalesce((
        select json_agg(json_strip_nulls(row_to_json(t)))
          from public.empresas t
         where t.id in (select unnest(array[n.emitente_id, n.destinatario_id])
                          from public.notas_fiscais n
                         where n.id = any (v_notas_fiscais)))::text, '[]');
{rows}
    return v_found || '}}';
end
$store$"""
_IDS = """\
    v_{table} := array(
        select t.id from public.{table} t where t.{link} = any (v_{parent}));"""
_ROWS = """\
    v_found := v_found || ',"{table}":' || coalesce((
        select json_agg(json_strip_nulls(row_to_json(t)) order by t.id)
          from public.{table} t where t.{link} = any (v_{parent}))::text, '[]');"""


def note() -> str:
    """`create or replace function …` for a note with the rows of all its tables."""
    below = _below_notes()
    parents = {table.parent for table in below}
    lines = []
    for table in below:
        names = {"table": table.name, "link": table.link, "parent": table.parent}
        if table.name in parents:
            lines.append(_IDS.format(**names))
        lines.append(_ROWS.format(**names))
    return _NOTE.format(
        declarations="\n".join(
            f"    v_{table.name} bigint[];" for table in below if table.name in parents
        ),
        rows="\n".join(lines),
    )


def _below_notes() -> list[Table]:
    """The tables of a note, parents before their children."""
    found = {"notas_fiscais"}
    below = []
    for table in tables().values():
        if table.parent in found:
            found.add(table.name)
            below.append(table)
    return below
