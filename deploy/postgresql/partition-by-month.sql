-- Splits notas_fiscais by month of issue; see docs/scaling.md before you run it.
--
--   nfed stopped, a backup made:
--   psql -v ON_ERROR_STOP=1 -f partition-by-month.sql "$DATABASE_URL" && nfed db migrate
--
-- One transaction, PostgreSQL 14 or newer. It copies notas_fiscais, so it needs room for it twice.
-- `nfed db migrate` makes nfed's views again. Views, policies, triggers and generated columns of
-- your own over notas_fiscais stop it: drop them first and make them again afterwards, and likewise
-- indexes of your own, which do not stop it.

begin;
set local search_path = public, pg_temp;
set local lock_timeout = '10s';
set local statement_timeout = 0;

lock table notas_fiscais in access exclusive mode;
do $$
declare
    own text;
begin
    select string_agg(what, ', ' order by what) into own from (
        select format('policy %I', polname) as what from pg_policy
         where polrelid = 'notas_fiscais'::regclass
        union all
        select format('trigger %I', tgname) from pg_trigger
         where tgrelid = 'notas_fiscais'::regclass and not tgisinternal
           and tgname <> 'tg_notas_fiscais_updated_at'
    ) as each;
    if own is not null then
        raise exception 'notas_fiscais has what this would lose: %', own;
    end if;
end
$$;
drop view if exists vw_notas_fiscais_resumo, vw_nf_itens_completo, vw_documentos,
    vw_documentos_relacionados;

-- A foreign key needs a unique id, and a unique key of a partitioned table needs the month in it.
do $$
declare
    fk record;
begin
    for fk in
        select conrelid::regclass as name, conname from pg_constraint
         where contype = 'f' and confrelid = 'notas_fiscais'::regclass
    loop
        execute format('alter table %s drop constraint %I', fk.name, fk.conname);
    end loop;
end
$$;

alter table notas_fiscais rename to notas_fiscais_inteira;
create table notas_fiscais (
    like notas_fiscais_inteira including defaults including constraints including generated
        including storage including compression including comments
) partition by range (data_hora_emissao);
alter table notas_fiscais enable row level security;

-- Months lie in a schema of their own: an HTTP API shows the tables in public, each of them.
create schema if not exists notas_por_mes;
revoke all on schema notas_por_mes from public;

create or replace function notas_por_mes.add_months(first date, last date) returns void
language plpgsql set search_path = '' as $$
declare
    month date := date_trunc('month', first::timestamp)::date;
    name text;
begin
    while month <= last loop
        name := to_char(month, '"m"YYYY_MM');
        if to_regclass('notas_por_mes.' || name) is null then
            execute format(
                'create table notas_por_mes.%I partition of public.notas_fiscais '
                'for values from (%L) to (%L)',
                name, month, (month + interval '1 month')::date);
        end if;
        month := (month + interval '1 month')::date;
    end loop;
end
$$;

-- What has no date of issue, and what is of a month that nobody has added.
create table notas_por_mes.outros partition of notas_fiscais default;
select notas_por_mes.add_months(
    (select coalesce(min(data_hora_emissao), now()::timestamp)::date from notas_fiscais_inteira),
    (now() + interval '1 year')::date);

insert into notas_fiscais select * from notas_fiscais_inteira order by data_hora_emissao, id;

-- Ids go on where they were.
create sequence notas_fiscais_mes_id_seq owned by notas_fiscais.id;
select setval('notas_fiscais_mes_id_seq', (select coalesce(max(id), 0) + 1 from notas_fiscais), false);
alter table notas_fiscais alter column id set default nextval('notas_fiscais_mes_id_seq');

-- Who might do what before may do it still, and who owned it owns it.
do $$
declare
    old pg_class;
    held record;
begin
    select * into old from pg_class where oid = 'notas_fiscais_inteira'::regclass;
    -- First without what default privileges give to everything new, as Supabase's do.
    for held in
        select format('%s %s', case c.relkind when 'S' then 'sequence' else 'table' end,
                      c.oid::regclass) as name,
               case when r.rolname is null then 'public' else quote_ident(r.rolname) end as role
          from pg_class c
          cross join lateral aclexplode(c.relacl) e
          left join pg_roles r on r.oid = e.grantee
         where c.oid in ('notas_fiscais'::regclass, 'notas_fiscais_mes_id_seq'::regclass)
           and e.grantee <> c.relowner
         group by 1, 2
    loop
        execute format('revoke all on %s from %s', held.name, held.role);
    end loop;
    for held in
        select case when r.rolname is null then 'public' else quote_ident(r.rolname) end as role,
               string_agg(e.privilege_type, ', ') as privileges
          from aclexplode(old.relacl) e
          left join pg_roles r on r.oid = e.grantee
         where e.grantee <> old.relowner
         group by 1
    loop
        execute format('grant %s on notas_fiscais to %s', held.privileges, held.role);
        if held.privileges like '%INSERT%' then
            execute format('grant usage, select on sequence notas_fiscais_mes_id_seq to %s',
                           held.role);
        end if;
    end loop;
    execute format('alter table notas_fiscais owner to %s', old.relowner::regrole);
    execute format('alter schema notas_por_mes owner to %s', old.relowner::regrole);
end
$$;
drop table notas_fiscais_inteira;
alter sequence notas_fiscais_mes_id_seq rename to notas_fiscais_id_seq;

-- The name tells nfed that its index is there; across months it is nfed that keeps a key unique.
create unique index ux_notas_fiscais_chave_acesso on notas_fiscais (chave_acesso, data_hora_emissao);
create index ix_notas_fiscais_id on notas_fiscais (id);
create index ix_notas_fiscais_emissao on notas_fiscais (data_hora_emissao);
create index ix_notas_fiscais_emitente on notas_fiscais (emitente_id, data_hora_emissao);
create index ix_notas_fiscais_destinatario on notas_fiscais (destinatario_id, data_hora_emissao);
create index ix_notas_fiscais_numero on notas_fiscais (numero_nf, data_hora_emissao);
create index ix_notas_fiscais_valor on notas_fiscais (valor_total_nota);
create index ix_notas_fiscais_status on notas_fiscais (status, data_hora_emissao);
alter table notas_fiscais
    add foreign key (emitente_id) references empresas (id),
    add foreign key (destinatario_id) references empresas (id);
create trigger tg_notas_fiscais_updated_at before update on notas_fiscais
    for each row execute function nfed_set_updated_at();
commit;

analyze notas_fiscais;
