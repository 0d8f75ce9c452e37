-- Returns a page of rows as JSON text: for each an array, the values of the order before the fields. As
-- text, since a JSON reader in between may round a number.
create or replace function public.{function}(busca jsonb) returns text
    language plpgsql stable
    set search_path = ''
    -- Only with its values does a search know which of its conditions there are.
    set plan_cache_mode = 'force_custom_plan' as
$store$
declare
{declarations}
    v_dated boolean;
    v_limit integer;
begin
    -- Some gateways hand a JSON argument over as a string that holds it.
    if jsonb_typeof(busca) = 'string' then
        busca := (busca #>> array[]::text[])::jsonb;
    end if;
{values}
{after}
    v_dated := (busca ->> 'dated')::boolean;
    v_limit := (busca ->> 'limit')::integer;
    return (
        select coalesce(json_agg(page.linha), json_build_array())::text from (
{page}
        ) as page
    );
end
$store$
