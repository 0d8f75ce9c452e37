-- What a database lacks of the layout, as statements in order; on one that lacks nothing, no row. It
-- only reads. stores/postgres/plan.py fills in what is wanted and says what the statements do. A row
-- that is not `is_change` only warns.
with recursive
wanted_tables (number, name, statement) as ({tables}),
wanted_columns (number, table_name, name, type, is_big, required, definition) as ({columns}),
wanted_indexes (number, name, table_name, columns, is_unique, is_partial, statement) as ({indexes}),
wanted_views (number, name, definition, was) as ({views}),
touched (number, name) as ({updated}),
wanted_functions (number, signature, statement, comment, privilege) as ({functions}),

outsiders as (  -- who is granted nothing of what is new; roles that only Supabase has
    select string_agg(quote_ident(name), ', ') as names
      from (select 'public' as name
             union all
            select rolname::text from pg_roles where rolname in ('anon', 'authenticated')) each
),
service as (
    select (select rolname from pg_roles where rolname = 'service_role') as name
),
-- Who may feed the tables, and who may read them: Supabase's service_role, and who was granted it.
callers as (
    select name, privilege
      from service cross join (values ('INSERT'), ('SELECT')) as each (privilege)
     where name is not null
     union
    select r.rolname, e.privilege_type
      from pg_class c
     cross join lateral aclexplode(c.relacl) e
      join pg_roles r on r.oid = e.grantee
     where c.relname = 'notas_fiscais' and c.relnamespace = 'public'::regnamespace
       and e.privilege_type in ('INSERT', 'SELECT') and e.grantee <> c.relowner
       and r.rolname not in ('anon', 'authenticated')
),
tables as (
    select w.number, w.name, w.statement, c.oid
      from wanted_tables w
      left join pg_class c
        on c.relname = w.name and c.relnamespace = 'public'::regnamespace
       and c.relkind in ('r', 'p')
),
columns as (
    select w.*, t.oid as table_oid, t.number as table_number, a.attnum, a.attnotnull, a.atthasdef,
           coalesce(i.indisprimary, false) as is_key,
           case when a.atttypid = 'varchar'::regtype and a.atttypmod <> -1
                then 'character varying'
                when a.atttypid = 'bpchar'::regtype and a.atttypmod <> -1 then 'bpchar'
                when a.atttypid = 'numeric'::regtype and a.atttypmod <> -1 then 'numeric'
                when a.atttypid in ('int2'::regtype, 'int4'::regtype) and w.is_big then 'bigint'
                when a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                 and w.type = 'numeric' then 'numeric'
           end as wider
      from wanted_columns w
      join tables t on t.name = w.table_name and t.oid is not null
      left join pg_attribute a
        on a.attrelid = t.oid and a.attname = w.name and a.attnum > 0 and not a.attisdropped
      left join pg_index i on i.indrelid = t.oid and i.indisprimary and a.attnum = any (i.indkey)
),

-- Every view that would have to go for a column to be widened, however far above it.
above (table_oid, attnum, view_oid, depth) as (
    select c.table_oid, c.attnum, r.ev_class, 1
      from columns c
      join pg_depend d
        on d.refclassid = 'pg_class'::regclass and d.refobjid = c.table_oid
       and d.refobjsubid = c.attnum and d.classid = 'pg_rewrite'::regclass
      join pg_rewrite r on r.oid = d.objid and r.ev_class <> c.table_oid
     where c.wider is not null
     union
    select a.table_oid, a.attnum, r.ev_class, a.depth + 1
      from above a
      join pg_depend d
        on d.refclassid = 'pg_class'::regclass and d.refobjid = a.view_oid
       and d.classid = 'pg_rewrite'::regclass
      join pg_rewrite r on r.oid = d.objid and r.ev_class <> a.view_oid
),
-- What keeps a column as it is: nothing but views can be taken away and put back faithfully.
obstacles as (
    select c.table_oid, c.attnum, pg_describe_object(d.classid, d.objid, d.objsubid) as what
      from columns c
      join pg_depend d
        on d.refclassid = 'pg_class'::regclass and d.refobjid = c.table_oid
       and d.refobjsubid = c.attnum
      left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
      left join pg_class v on v.oid = r.ev_class
      left join pg_attrdef f on d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
     where c.wider is not null
       and (d.classid in ('pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_proc'::regclass,
                          'pg_publication_rel'::regclass)
            or v.relkind not in ('v', 'm')
            or (f.oid is not null and f.adnum <> c.attnum)
            -- A generated column, as PostgreSQL 14 records it.
            or (d.classid = 'pg_class'::regclass and d.objid = c.table_oid
                and d.objsubid not in (0, c.attnum)))
     union
    select a.table_oid, a.attnum, pg_describe_object(d.classid, d.objid, d.objsubid)
      from above a
      join pg_class v on v.oid = a.view_oid
      join pg_depend d
        on (d.refclassid = 'pg_type'::regclass
            and d.refobjid in (select t.oid from pg_type t
                                where t.typrelid = v.oid
                                   or t.typelem = v.reltype and v.reltype <> 0)
            and d.deptype <> 'i')
        or (d.refclassid = 'pg_class'::regclass and d.refobjid = v.oid
            and d.classid = 'pg_proc'::regclass)
     union
    select a.table_oid, a.attnum, pg_describe_object('pg_rewrite'::regclass, r.oid, 0)
      from above a
      join pg_rewrite r on r.ev_class = a.view_oid and r.rulename <> '_RETURN'
     union
    -- A view that could not be given back to its owner.
    select a.table_oid, a.attnum,
           format('%s of %I', pg_describe_object('pg_class'::regclass, v.oid, 0), r.rolname)
      from above a
      join pg_class v on v.oid = a.view_oid
      join pg_roles r on r.oid = v.relowner
      join pg_roles me on me.rolname = current_user and not me.rolsuper and me.oid <> r.oid
     where not pg_has_role(r.oid, 'usage')
        or not has_schema_privilege(r.oid, v.relnamespace, 'create')
),
widened as (
    select c.*
      from columns c
     where c.wider is not null
       and not exists (select from obstacles o
                        where o.table_oid = c.table_oid and o.attnum = c.attnum)
),
-- Views as an older nfed made them, whose query is another now. `was` is that query without blanks,
-- brackets and schema, as the server's own text of a view is compared. One that would show its
-- readers a table that they may not read stays.
replaced (number, name, options, definition) as (
    select w.number, w.name, coalesce(format('with (%s) ', array_to_string(v.reloptions, ', ')), ''),
           w.definition
      from wanted_views w
      join pg_class v on v.oid = to_regclass('public.' || quote_ident(w.name)) and v.relkind = 'v'
     where w.was = replace(regexp_replace(lower(pg_get_viewdef(v.oid)),
                                          'public\.|[[:space:]();]', '', 'g'), 'ascount', '')
       and pg_has_role(v.relowner, 'usage')
       and not exists (
           select from aclexplode(v.relacl) a
            where a.grantee <> v.relowner
              and not coalesce(
                  has_table_privilege(
                      case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end,
                      to_regclass('public.nf_partes'), 'select'), false))),
views as (
    select v.oid, max(a.depth) as depth,
           quote_ident(s.nspname) || '.' || quote_ident(v.relname) as name,
           v.relkind, v.relowner, v.relacl, v.reloptions, v.relispopulated
      from above a
      join widened w on w.table_oid = a.table_oid and w.attnum = a.attnum
      join pg_class v on v.oid = a.view_oid
      join pg_namespace s on s.oid = v.relnamespace
     group by v.oid, s.nspname
),
kinds (relkind, name) as (values ('v'::"char", 'view'), ('m'::"char", 'materialized view')),
-- What a new view is granted unasked, and the old one may not have been.
unasked as (
    select distinct v.oid, v.name, coalesce(quote_ident(r.rolname), 'public') as grantee
      from views v
      join pg_default_acl d
        on d.defaclobjtype = 'r'
       and d.defaclrole = (select oid from pg_roles where rolname = current_user)
      cross join lateral aclexplode(d.defaclacl) e
      left join pg_roles r on r.oid = e.grantee
     where e.grantee <> d.defaclrole
       and d.defaclnamespace in (0, (select relnamespace from pg_class where oid = v.oid))
),

steps (step, number, part, statement) as (
    -- 1: tables, closed; their indexes come with the others.
    select 1, t.number, 1, t.statement from tables t where t.oid is null
     union all
    select 1, t.number, 2, format('alter table public.%I enable row level security', t.name)
      from tables t where t.oid is null
     union all
    select 1, t.number, 3, format('revoke all on table public.%I from %s', t.name, o.names)
      from tables t, outsiders o where t.oid is null
     union all
    select 1, t.number, 4,
           format('revoke all on sequence public.%I from %s', t.name || '_id_seq', o.names)
      from tables t, outsiders o where t.oid is null
     union all
    select 1, t.number, 5, format('grant all on table public.%I to %I', t.name, s.name)
      from tables t, service s where t.oid is null and s.name is not null
     union all
    select 1, t.number, 6,
           format('grant all on sequence public.%I to %I', t.name || '_id_seq', s.name)
      from tables t, service s where t.oid is null and s.name is not null

    -- 2: columns that stay as they are, and why.
     union all
    select 2, min(c.number), 1,
           format('do %L',
                  format('begin raise warning %L; end',
                         replace(format('%s.%s keeps its type, as %s uses it', c.table_name,
                                        c.name, string_agg(o.what, ', ' order by o.what)),
                                 '%', '%%')))
      from columns c
      join obstacles o on o.table_oid = c.table_oid and o.attnum = c.attnum
     where c.wider is not null
     group by c.table_name, c.name

    -- 3: views out of the way, the highest first.
     union all
    select 3, -v.depth, v.oid::bigint, format('drop %s %s', k.name, v.name)
      from views v join kinds k using (relkind)

    -- 4: each table in one pass.
     union all
    select 4, c.table_number, 1,
           format('alter table public.%I %s', c.table_name,
                  string_agg(change, ', ' order by c.number, part))
      from columns c
      left join widened w on w.table_oid = c.table_oid and w.attnum = c.attnum
      cross join lateral (values
           (1, case when c.attnum is null then 'add column ' || c.definition end),
           (2, case when w.wider is not null
                    then format('alter column %I type %s', c.name, w.wider) end),
           (3, case when c.attnotnull and not c.required and not c.is_key
                    then format('alter column %I drop not null', c.name) end),
           (4, case when c.name in ('created_at', 'updated_at') and c.attnum is not null
                     and not c.atthasdef
                    then format('alter column %I set default (now() at time zone ''utc'')',
                                c.name) end)
      ) as changes (part, change)
     where change is not null
     group by c.table_number, c.table_name

    -- nfed stores in nf_processamento how a note was answered; before, a note could be deleted without a
    -- thought of that table. Whatever else the key says stays.
     union all
    select 4, t.number, 2,
           format('alter table public.%I drop constraint %I, add constraint %I foreign key (%I) '
                  'references public.notas_fiscais (%I)%s%s on delete cascade%s%s%s',
                  t.name, k.conname, k.conname, own.attname, other.attname,
                  case when k.confmatchtype = 'f' then ' match full' end,
                  case k.confupdtype when 'r' then ' on update restrict'
                                     when 'c' then ' on update cascade'
                                     when 'n' then ' on update set null'
                                     when 'd' then ' on update set default' end,
                  case when k.condeferrable then ' deferrable' end,
                  case when k.condeferred then ' initially deferred' end,
                  case when not k.convalidated then ' not valid' end)
      from tables t
      join pg_constraint k
        on k.conrelid = t.oid and k.contype = 'f' and k.conparentid = 0
       and k.confrelid = to_regclass('public.notas_fiscais')
       and k.confdeltype in ('a', 'r') and cardinality(k.conkey) = 1
      join pg_attribute own on own.attrelid = k.conrelid and own.attnum = k.conkey[1]
      join pg_attribute other on other.attrelid = k.confrelid and other.attnum = k.confkey[1]
     where t.name = 'nf_processamento' and own.attname = 'nota_fiscal_id'
       and pg_get_constraintdef(k.oid) not like '%NOT ENFORCED%'

    -- 5: the views again, the lowest first, as they were.
     union all
    select 5, v.depth, v.oid::bigint * 100 + 1,
           format('create %s %s%s as %s%s', k.name, v.name,
                  ' with (' || array_to_string(v.reloptions, ', ') || ')',
                  rtrim(pg_get_viewdef(v.oid), '; '),
                  case when v.relkind = 'm' and not v.relispopulated then ' with no data' end)
      from views v join kinds k using (relkind)
     union all
    select 5, v.depth, v.oid::bigint * 100 + 2, pg_get_indexdef(i.indexrelid)
      from views v join pg_index i on i.indrelid = v.oid
     union all
    select 5, v.depth, v.oid::bigint * 100 + 3, pg_get_triggerdef(t.oid)
      from views v join pg_trigger t on t.tgrelid = v.oid and not t.tgisinternal
     union all
    select 5, v.depth, v.oid::bigint * 100 + 4,
           format('alter view %s alter column %I set default %s', v.name, a.attname,
                  pg_get_expr(f.adbin, f.adrelid))
      from views v
      join pg_attrdef f on f.adrelid = v.oid
      join pg_attribute a on a.attrelid = v.oid and a.attnum = f.adnum
     union all
    select 5, v.depth, v.oid::bigint * 100 + 5,
           format('comment on %s %s is %L', k.name, v.name, d.description)
      from views v join kinds k using (relkind)
      join pg_description d
        on d.classoid = 'pg_class'::regclass and d.objoid = v.oid and d.objsubid = 0
     union all
    select 5, v.depth, v.oid::bigint * 100 + 6,
           format('comment on column %s.%I is %L', v.name, a.attname, d.description)
      from views v
      join pg_description d
        on d.classoid = 'pg_class'::regclass and d.objoid = v.oid and d.objsubid > 0
      join pg_attribute a on a.attrelid = v.oid and a.attnum = d.objsubid
     union all
    select 5, u_depth.depth, u.oid::bigint * 100 + 7,
           format('revoke all on %s from %s', u.name, u.grantee)
      from unasked u join views u_depth on u_depth.oid = u.oid
     union all
    select 5, v.depth, v.oid::bigint * 100 + 8,
           format('grant %s on %s to %s%s', string_agg(e.privilege_type, ', '), v.name,
                  coalesce(quote_ident(r.rolname), 'public'),
                  case when e.is_grantable then ' with grant option' end)
      from views v
      cross join lateral aclexplode(v.relacl) e
      left join pg_roles r on r.oid = e.grantee
     where e.grantee <> v.relowner
     group by v.oid, v.depth, v.name, r.rolname, e.is_grantable
     union all
    select 5, v.depth, v.oid::bigint * 100 + 8,
           format('grant %s (%I) on %s to %s%s', e.privilege_type, a.attname, v.name,
                  coalesce(quote_ident(r.rolname), 'public'),
                  case when e.is_grantable then ' with grant option' end)
      from views v
      join pg_attribute a on a.attrelid = v.oid and a.attacl is not null
      cross join lateral aclexplode(a.attacl) e
      left join pg_roles r on r.oid = e.grantee
     union all
    select 5, v.depth, v.oid::bigint * 100 + 9,
           format('alter %s %s owner to %I', k.name, v.name, r.rolname)
      from views v join kinds k using (relkind)
      join pg_roles r on r.oid = v.relowner
     where r.rolname <> current_user

    -- 6: indexes, but for those of which the table has the like.
     union all
    select 6, w.number, 1, w.statement
      from wanted_indexes w
      left join tables t on t.name = w.table_name
     where to_regclass('public.' || quote_ident(w.name)) is null
       and not exists (
           select from pg_index i
            where i.indrelid = t.oid and i.indisvalid and i.indexprs is null
              and (i.indpred is not null) = w.is_partial and not w.is_partial
              and (not w.is_unique or i.indisunique)
              and (not w.is_unique or i.indnkeyatts = cardinality(w.columns::text[]))
              and (select array_agg(a.attname::text order by k.position)
                     from unnest(i.indkey::int2[]) with ordinality k (attnum, position)
                     join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum
                    where k.position <= cardinality(w.columns::text[])) = w.columns::text[])

    -- 7: functions that are missing or have another text, and who may call them; updated_at of the
    -- tables that are new.
     union all
    select 7, f.number, part, change
      from wanted_functions f
      cross join outsiders o
      cross join lateral (values
           (1, f.statement),
           (2, format('revoke all on function %s from %s', f.signature, o.names)),
           (4, format('comment on function %s is %L', f.signature, f.comment))
      ) as changes (part, change)
     where obj_description(to_regprocedure(f.signature), 'pg_proc') is distinct from f.comment
     union all
    select 7, f.number, 3, format('grant execute on function %s to %I', f.signature, c.name)
      from wanted_functions f
      join callers c using (privilege)
     where obj_description(to_regprocedure(f.signature), 'pg_proc') is distinct from f.comment
        or not has_function_privilege(c.name, to_regprocedure(f.signature), 'execute')
     union all
    select 7, 1000, t.number,
           format('create trigger %I before update on public.%I for each row '
                  'execute function public.nfed_set_updated_at()', 'tg_' || t.name || '_updated_at', t.name)
      from tables t join touched u using (name)
     where t.oid is null

    -- 8: the layout's views, closed; those of an older nfed keep who sees them.
     union all
    select 8, r.number, 0,
           format('create or replace view public.%I %sas %s', r.name, r.options, r.definition)
      from replaced r
     union all
    select 8, w.number, 1,
           format('create view public.%I %sas %s', w.name,
                  case when current_setting('server_version_num')::int >= 150000
                       then 'with (security_invoker = true) ' end,
                  w.definition)
      from wanted_views w where to_regclass('public.' || quote_ident(w.name)) is null
     union all
    select 8, w.number, 2, format('revoke all on public.%I from %s', w.name, o.names)
      from wanted_views w, outsiders o
     where to_regclass('public.' || quote_ident(w.name)) is null
     union all
    select 8, w.number, 3, format('grant select on public.%I to %I', w.name, s.name)
      from wanted_views w, service s
      where to_regclass('public.' || quote_ident(w.name)) is null and s.name is not null
)
select statement, step <> 2 as is_change from steps order by step, number, part, statement
