-- Returns a note with the rows of all its tables as JSON text: by table, its rows in the order of their
-- making, without empty columns. As text and not as jsonb, which would put a row's columns into an order of
-- its own; and a JSON reader in between may round a number.
create or replace function public.nfed_nota(chave text) returns text
    language plpgsql stable
    set search_path = ''
    set plan_cache_mode = 'force_custom_plan' as
$store$
declare
    v_notas_fiscais bigint[];
{declarations}
begin
    v_notas_fiscais := array(
        select t.id from public.notas_fiscais t where t.chave_acesso = chave);
{ids}
    return (
        select json_object_agg(found.name, found.rows)::text from (
            select 'notas_fiscais' as name, (
                select json_agg(json_strip_nulls(row_to_json(t)))
                  from public.notas_fiscais t where t.id = any (v_notas_fiscais)) as rows
             union all
            select 'empresas', (
                select json_agg(json_strip_nulls(row_to_json(t)))
                  from public.empresas t
                 where t.id in (select unnest(array[n.emitente_id, n.destinatario_id])
                                  from public.notas_fiscais n
                                 where n.id = any (v_notas_fiscais)))
{rows}
        ) as found
    );
end
$store$
