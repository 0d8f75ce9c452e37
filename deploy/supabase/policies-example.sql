-- Signed-in users read the notes of their own companies, and nothing else. An example: read it,
-- change it to your needs, and run it in the SQL editor after `nfed db migrate` (or `nfed db sql`).
-- It may be run again and again. On a database that had its tables before nfed came, say
-- `nfed db secure` too: without row level security no policy holds anybody back.
--
-- Which companies are a user's own stands in the user's app_metadata, which only the service key can
-- write (user_metadata is the user's own to change, so never trust that):
--
--     await supabase.auth.admin.updateUserById(id, {
--         app_metadata: { cnpjs: ["12345678000195", "0X0J92JY000196"] } })
--
-- A user sees a note as its issuer or its recipient. Nobody but the daemon writes.

begin;

-- The ids of the user's own companies. It runs with its owner's rights, as the policy of notas_fiscais
-- asks for empresas and that of empresas for notas_fiscais: each would wait for the other.
create or replace function public.nfed_empresas_do_usuario() returns bigint[]
    language sql stable security definer set search_path = '' as
$$
    select coalesce(array_agg(e.id::bigint), '{}')
      from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb
                   -> 'app_metadata' -> 'cnpjs' as cnpjs) as claims
     cross join lateral jsonb_array_elements_text(
               case when jsonb_typeof(claims.cnpjs) = 'array' then claims.cnpjs else '[]' end
           ) as own (cnpj)
      join public.empresas e on e.cpf_cnpj = own.cnpj
$$;
revoke all on function public.nfed_empresas_do_usuario() from public, anon;
grant execute on function public.nfed_empresas_do_usuario() to authenticated;

-- The subselect is worked out once a query, not once a row.
drop policy if exists nfed_proprias on public.notas_fiscais;
create policy nfed_proprias on public.notas_fiscais for select to authenticated
    using (emitente_id = any ((select public.nfed_empresas_do_usuario())::bigint[])
        or destinatario_id = any ((select public.nfed_empresas_do_usuario())::bigint[]));

-- A company shows to those who see a note of it.
drop policy if exists nfed_proprias on public.empresas;
create policy nfed_proprias on public.empresas for select to authenticated
    using (id = any ((select public.nfed_empresas_do_usuario())::bigint[])
        or exists (select from public.notas_fiscais n where n.emitente_id = empresas.id)
        or exists (select from public.notas_fiscais n where n.destinatario_id = empresas.id));

grant select on public.notas_fiscais, public.empresas to authenticated;
-- From PostgreSQL 15 on, the views show what their reader may see. Before, they show everything.
do $$
begin
    if current_setting('server_version_num')::int >= 150000 then
        grant select on public.vw_notas_fiscais_resumo, public.vw_nf_itens_completo
            to authenticated;
    end if;
end
$$;

-- What belongs to a note, or to something that belongs to one, shows with it.
do $$
declare
    child record;
begin
    for child in
        with recursive part (relid, parent, link) as (
            select k.conrelid, k.confrelid, k.conkey
              from pg_constraint k
             where k.contype = 'f' and k.confrelid = 'public.notas_fiscais'::regclass
             union
            select k.conrelid, k.confrelid, k.conkey
              from part p
              join pg_constraint k on k.contype = 'f' and k.confrelid = p.relid
        )
        select p.relid::regclass as name, p.parent::regclass as parent, a.attname as link
          from part p
          join pg_class c on c.oid = p.relid and c.relnamespace = 'public'::regnamespace
          join pg_attribute a on a.attrelid = p.relid and a.attnum = p.link[1]
    loop
        execute format('drop policy if exists nfed_proprias on %s', child.name);
        execute format(
            'create policy nfed_proprias on %1$s for select to authenticated '
            'using (exists (select from %2$s as above where above.id = %1$s.%3$I))',
            child.name, child.parent, child.link
        );
        execute format('grant select on %s to authenticated', child.name);
    end loop;
end
$$;

commit;
