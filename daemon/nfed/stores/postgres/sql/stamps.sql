do $nfed$
declare
    nfed_ids bigint[];
    nfed_sold text[];
    nfed_bought text[];
    nfed_trigger record;
    nfed_enabling text[] := array[]::text[];
    nfed_statement text;
begin
    if to_regclass('public.nfed_schema_version') is not null then
        if exists (select from public.nfed_schema_version where version_num <> all (array[{before}])) then
            return;
        end if;
    end if;
    -- Tells companies that were there before which note wrote them last, so that an older one leaves them
    -- as they are: the newest stored note in each role.
    select array_agg(e.id), array_agg(sold.issued), array_agg(bought.issued)
      into nfed_ids, nfed_sold, nfed_bought
      from public.empresas e
      left join lateral ({sold}) as sold on e.emissao_como_emitente is null
      left join lateral ({bought}) as bought on e.emissao_como_destinatario is null
     where sold.issued is not null or bought.issued is not null;
    if nfed_ids is null then
        return;
    end if;
    -- Nothing about a company changes, so the owner's triggers (one keeps updated_at) have no part in it.
    for nfed_trigger in
        select tgname, case tgenabled when 'A' then 'always ' else '' end as always
          from pg_trigger
         where tgrelid = 'public.empresas'::regclass and not tgisinternal
           and tgenabled in ('O', 'A')
    loop
        execute format('alter table public.empresas disable trigger %I', nfed_trigger.tgname);
        nfed_enabling := nfed_enabling || format('alter table public.empresas enable %strigger %I',
                                                 nfed_trigger.always, nfed_trigger.tgname);
    end loop;
    update public.empresas e
       set emissao_como_emitente = coalesce(e.emissao_como_emitente, s.sold),
           emissao_como_destinatario = coalesce(e.emissao_como_destinatario, s.bought)
      from unnest(nfed_ids, nfed_sold, nfed_bought) as s (id, sold, bought)
     where s.id = e.id;
    foreach nfed_statement in array nfed_enabling loop
        execute nfed_statement;
    end loop;
end
$nfed$
