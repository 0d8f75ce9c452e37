-- How many notes there are, as the planner believes where they are many: to count a hundred million takes
-- longer than anybody waits for a status.
select case when c.reltuples > 1000000 then c.reltuples::bigint
            else (select count(*) from public.notas_fiscais) end
  from pg_class c where c.oid = 'public.notas_fiscais'::regclass
