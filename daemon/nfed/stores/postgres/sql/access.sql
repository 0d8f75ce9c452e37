-- Who sees the tables, and every view that reads from them, past row level security; and the statements
-- that would end it. Takes the tables' names. With step 0 a role, what it sees and what it would lose; then
-- the statements, in order.
with recursive reading (oid) as (
    select c.oid from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relname = any ($1::text[])
       and c.relkind in ('r', 'p')
     union
    select r.ev_class
      from reading x
      join pg_depend d
        on d.refclassid = 'pg_class'::regclass and d.refobjid = x.oid
       and d.classid = 'pg_rewrite'::regclass
      join pg_rewrite r on r.oid = d.objid
),
relations as (
    select c.oid, format('%I.%I', s.nspname, c.relname) as name, c.relkind, c.relowner, c.relacl,
           c.relkind in ('r', 'p') as is_table,
           c.relkind = 'v' and current_setting('server_version_num')::int >= 150000 as can_invoke,
           case when c.relkind in ('r', 'p') then c.relrowsecurity
                else coalesce((select option_value::bool from pg_options_to_table(c.reloptions)
                                where option_name = 'security_invoker'), false)
           end as is_closed
      from reading x
      join pg_class c on c.oid = x.oid
      join pg_namespace s on s.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm')
),
grants as (
    select x.name, x.is_table, x.can_invoke, coalesce(r.rolname, 'public') as role,
           coalesce(r.rolname, 'public') in ('public', 'anon') as is_anyone,
           coalesce(r.rolname, 'public') in ('public', 'anon', 'authenticated') as is_outsider,
           string_agg(lower(e.privilege_type), ', ' order by e.privilege_type) as privileges
      from relations x
      cross join lateral aclexplode(coalesce(x.relacl, acldefault('r', x.relowner))) e
      left join pg_roles r on r.oid = e.grantee
     where not x.is_closed and e.grantee <> x.relowner
       and not coalesce(r.rolsuper or r.rolbypassrls, false)
       -- Neither row level security nor the reader's own rights apply to what such views show.
       and (x.is_table or x.can_invoke
            or coalesce(r.rolname, 'public') in ('public', 'anon', 'authenticated'))
     group by x.name, x.is_table, x.can_invoke, r.rolname
)
select step, role, name, text from (
    select 0 as step, role, name,
           privileges || case when is_anyone or not (is_table or can_invoke) then ''
                              else ': whatever no policy shows it' end as text
      from grants
     union all
    select 1, null, name, format('alter table %s enable row level security', name)
      from relations where is_table and not is_closed
     union all
    select 2, null, name, format('alter view %s set (security_invoker = true)', name)
      from relations where can_invoke and not is_closed
     union all
    select 3, null, name, format('revoke all on %s from %s', name,
                                 string_agg(case when role = 'public' then role
                                                 else quote_ident(role) end, ', ' order by role))
      from grants where is_anyone or is_outsider and not (is_table or can_invoke) group by name
     union all
    -- Row level security does not see these three.
    select 4, null, name, format('revoke truncate, references, trigger on %s from %I', name, role)
      from grants where is_table and role = 'authenticated'
) as found order by step, role, name, text
