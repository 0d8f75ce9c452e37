begin;
set local search_path = '';
set local lock_timeout = '{turn_seconds}s';
set local statement_timeout = 0;

do $nfed$
declare
    nfed_version text;
begin
    perform pg_advisory_xact_lock(1852204388);
    set local lock_timeout = '{lock_seconds}s';
    if to_regclass('public.nfed_schema_version') is not null then
        select version_num into nfed_version from public.nfed_schema_version;
        if nfed_version <> all (array[{known}]) then
            raise exception 'the schema has version %, newer than {newest} of this script',
                nfed_version using errcode = '{newer}';
        end if;
    end if;
end
$nfed$;

{plan}

{stamps};

do $nfed$
declare
    nfed_outsider text;
begin
    if to_regclass('public.nfed_schema_version') is null then
        create table public.nfed_schema_version (version_num varchar(32) primary key);
        alter table public.nfed_schema_version enable row level security;
        -- Only the daemon's own role and Supabase's service_role have to read it.
        revoke all on table public.nfed_schema_version from public;
        for nfed_outsider in
            select rolname from pg_roles where rolname in ('anon', 'authenticated')
        loop
            execute format('revoke all on table public.nfed_schema_version from %I', nfed_outsider);
        end loop;
        if exists (select from pg_roles where rolname = 'service_role') then
            grant select on table public.nfed_schema_version to service_role;
        end if;
    end if;
    -- Who says that it is closed, or has this schema, is believed after a power cut too.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    if not exists (select from public.nfed_schema_version where version_num = '{newest}') then
        delete from public.nfed_schema_version;
        insert into public.nfed_schema_version values ('{newest}');
    end if;
end
$nfed$;
-- PostgREST looks again at what there is.
notify pgrst, 'reload schema';
commit;
