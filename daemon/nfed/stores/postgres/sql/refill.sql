-- Makes the rows of stored documents anew, in one transaction; stores/postgres/refill.py says of what.
create or replace function public.nfed_refill(chunk jsonb) returns bigint
    language plpgsql
    set search_path = ''
    set statement_timeout = '60s'
    set lock_timeout = '30s' as
$store$
declare
    v_zeros jsonb := jsonb_build_object();
    v_rows jsonb;
    v_part jsonb;
    v_n int[];
    v_p int[];
    v_sequence regclass;
    v_act text[];
    v_id bigint[];
    v_new_content boolean[];
    v_chaves text[];
{declarations}
begin
    if jsonb_typeof(chunk) = 'string' then
        chunk := (chunk #>> array[]::text[])::jsonb;
    end if;
    v_id := array(select jsonb_array_elements_text(chunk -> 'ids')::bigint);
    v_chaves := array(select jsonb_array_elements_text(chunk -> 'chaves'));
    v_rows := chunk -> 'rows';
    v_act := array_fill('insert'::text, array[cardinality(v_id)]);
    perform 1 from public.dfe_documentos where id = any (v_id) order by id for update;
{deletes}

{inserts}

    update public.dfe_documentos set versao_linhas = {version} where id = any (v_id);
    update public.dfe_documentos set versao_linhas = {unreadable}
     where id in (select jsonb_array_elements_text(chunk -> 'unreadable')::bigint);
{on_others}
    return cardinality(v_id);
end
$store$
