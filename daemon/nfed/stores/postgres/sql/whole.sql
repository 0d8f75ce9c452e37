-- Returns a document with the rows of all its tables as JSON text: by table, its rows in the order of their
-- making, without empty columns. As text and not as jsonb, which would put a row's columns into an order of
-- its own; and a JSON reader in between may round a number.
create or replace function public.{function}(chave text) returns text
    language plpgsql stable
    set search_path = ''
    set plan_cache_mode = 'force_custom_plan' as
$store$
declare
    v_{head} bigint[];
{declarations}
begin
    v_{head} := array(
        select t.id from public.{head} t where {where});
{ids}
    return (
        select json_object_agg(found.name, found.rows)::text from (
            select '{head}' as name, (
                select json_agg(json_strip_nulls(row_to_json(t)))
                  from public.{head} t where t.id = any (v_{head})) as rows
{parties}
{rows}
        ) as found
    );
end
$store$
