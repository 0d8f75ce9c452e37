-- What keeps the role from changing the schema; null: nothing. Takes the tables' names.
select coalesce(
    (select format('%s belongs to %s', c.oid::regclass, r.rolname)
       from pg_class c join pg_roles r on r.oid = c.relowner
      where c.relnamespace = 'public'::regnamespace and c.relname = any ($1::text[])
        and c.relkind in ('r', 'p') and not pg_has_role(c.relowner, 'usage')
      order by c.relname limit 1),
    case when not has_schema_privilege('public', 'create')
         then 'it may make nothing in the schema public' end)
