-- Lists notes, the newest issue first: those with a moment of issue, or with `dated` false those without
-- one. Returns JSON as text, since a JSON reader in between may round its numbers.
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
    -- Some gateways hand a JSON argument over as a string that holds it.
    if jsonb_typeof(busca) = 'string' then
        busca := (busca #>> array[]::text[])::jsonb;
    end if;
    v_dated := (busca ->> 'dated')::boolean;
    v_emitente := busca ->> 'emitente';
    v_destinatario := busca ->> 'destinatario';
    v_from := (busca ->> 'from')::timestamp;
    v_until := (busca ->> 'until')::timestamp;
    v_after_moment := (busca ->> 'after_moment')::timestamp;
    v_after_id := (busca ->> 'after_id')::bigint;
    v_limit := (busca ->> 'limit')::integer;
    return (
        select coalesce(jsonb_agg(page), jsonb_build_array())::text from (
{page}
        ) as page
    );
end
$store$
