-- Tells what cites a document and what it cites, as JSON text.
create or replace function public.nfed_relacionados(chave text) returns text
    language plpgsql stable
    set search_path = ''
    set plan_cache_mode = 'force_custom_plan' as
$store$
begin
    return (
        select coalesce(json_agg(pagina), json_build_array())::text from (
{query}
        ) as pagina
    );
end
$store$
