-- Remembers what a recipient was given; see stores/deliveries. `acao` says which step it is. Returns JSON
-- as text.
create or replace function public.nfed_entrega(pedido jsonb) returns text
    language plpgsql
    set search_path = ''
    set plan_cache_mode = 'force_custom_plan' as
$store$
declare
{declarations}
    v_name text;
    v_number bigint;
    v_step text;
    v_after text;
    v_limit integer;
    v_what text;
    v_keys text[] := array[]::text[];
    v_rest integer;
    v_count bigint := 0;
    v_more bigint;
begin
    -- Some gateways hand a JSON argument over as a string that holds it.
    if jsonb_typeof(pedido) = 'string' then
        pedido := (pedido #>> array[]::text[])::jsonb;
    end if;
{values}
    v_name := pedido ->> 'name';
    v_number := (pedido ->> 'number')::bigint;
    v_step := pedido ->> 'step';
    v_after := pedido ->> 'after';
    v_limit := (pedido ->> 'limit')::integer;
    v_what := pedido ->> 'what';
    case pedido ->> 'acao'
    when 'begin' then
        -- Two who begin at once would both take the next number.
        perform pg_advisory_xact_lock(1852204388, hashtext(v_name));
        select e.numero, e.passo into v_number, v_step
          from public.nfed_entregas e where e.nome = v_name order by e.numero desc limit 1;
        if v_step is distinct from '{done}' and v_step is not null then
            return json_build_object('number', v_number, 'step', v_step)::text;
        end if;
        v_number := coalesce(v_number, 0) + 1;
{due}
        if cardinality(v_keys) = 0 then
            return json_build_object('number', null)::text;
        end if;
{record}
        insert into public.nfed_entregas (nome, numero, passo) values (v_name, v_number, '{begun}');
        return json_build_object('number', v_number, 'step', '{begun}')::text;
    when 'given' then
        return (select coalesce(json_agg(json_build_array(page.chave_acesso, page.situacao)),
                                json_build_array())::text
                  from (
{given}
                  ) as page);
    when 'settle' then
{settle}
        return json_build_object('count', v_count)::text;
    when 'advance' then
        update public.nfed_entregas set passo = v_step where nome = v_name and numero = v_number;
        return json_build_object('step', v_step)::text;
    end case;
end
$store$
