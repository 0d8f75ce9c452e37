-- Returns, as JSON text, documents that lack their rows in other tables, with the text that was kept of
-- each; how many there are of them; and how many documents there are that have a text.
create or replace function public.nfed_lacking(busca jsonb) returns text
    language plpgsql stable
    set search_path = '' as
$store$
begin
    if jsonb_typeof(busca) = 'string' then
        busca := (busca #>> array[]::text[])::jsonb;
    end if;
    return json_build_object(
        'left', (select count(*) from public.dfe_documentos
                  where versao_linhas is null and xml is not null),
        'total', (select count(*) from public.dfe_documentos where xml is not null),
        'documents', (
            select coalesce(json_agg(json_build_object(
                       'id', d.id::text, 'key', d.identificador, 'xml', d.xml) order by d.id),
                       json_build_array())
              from (select id, identificador, xml from public.dfe_documentos
                     where versao_linhas is null and xml is not null
                     order by id limit (busca ->> 'most')::bigint) as d))::text;
end
$store$
