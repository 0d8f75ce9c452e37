-- Lists documents in one of four orders: those that have what they are ordered by, or with `dated` false
-- those that have not. Returns JSON as text, since a JSON reader in between may round its numbers.
create or replace function public.{function}(busca jsonb) returns text
    language plpgsql stable
    set search_path = ''
    -- Only with its values does a search know which of its conditions there are.
    set plan_cache_mode = 'force_custom_plan' as
$store$
declare
{declarations}
    v_dated boolean;
    v_order text;
    v_after_moment timestamp;
    v_after_value numeric;
    v_after_id bigint;
    v_last_moment timestamp;
    v_last_value numeric;
    v_last_id bigint;
    v_limit integer;
    v_offset integer;
begin
    -- Some gateways hand a JSON argument over as a string that holds it.
    if jsonb_typeof(busca) = 'string' then
        busca := (busca #>> array[]::text[])::jsonb;
    end if;
{values}
    v_dated := (busca ->> 'dated')::boolean;
    v_order := coalesce(busca ->> 'order', '{newest}');
    v_after_moment := (busca ->> 'after_moment')::timestamp;
    v_after_value := (busca ->> 'after_value')::numeric;
    v_after_id := (busca ->> 'after_id')::bigint;
    v_last_moment := (busca ->> 'last_moment')::timestamp;
    v_last_value := (busca ->> 'last_value')::numeric;
    v_last_id := (busca ->> 'last_id')::bigint;
    v_limit := (busca ->> 'limit')::integer;
    v_offset := coalesce((busca ->> 'offset')::integer, 0);
{branches}
    raise invalid_parameter_value using message = 'an order that this function does not know';
end
$store$
