-- Stores a whole chunk in one transaction, for every daemon, whether it comes by PostgreSQL's own
-- protocol or over HTTPS; stores/postgres/chunk.py says what it takes and returns.
--
-- Takes the documents' locks, decides what each is to the one stored under its key as core.outcome.verdict
-- does, adds rows and parties, renews what goes further, and applies documents to each other. Locks are
-- taken first and in order, missing parties are added in order, changes to parties come last and in order:
-- so chunks of any number of daemons wait for each other, and never in a circle.
--
-- Every name in it stands for itself: no statement is made of what a caller sends. To make each insert when
-- it is needed, of the columns that a chunk holds, would shorten this text and take twice the time.
create or replace function public.nfed_store(chunk jsonb) returns text
    language plpgsql
    set search_path = ''
    -- PostgREST reads this before it calls; over a connection of its own the daemon sets the limit.
    set statement_timeout = '60s'
    set lock_timeout = '30s'
    -- Planned once a connection, and whatever is looked up is looked up by an index: so a plan that was
    -- made while a table was empty is as good when it is full.
    set plan_cache_mode = 'force_generic_plan'
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off as
$store$
declare
    v_locks bigint[];
    v_identities jsonb;
    v_documents jsonb;
    v_named jsonb;
    v_rows jsonb;
    v_zeros jsonb;
    v_part jsonb;
    v_n int[];
    v_p int[];
    v_sequence regclass;
    v_answers jsonb := jsonb_build_array();
    v_answer jsonb;
    v_act text[];
    v_id bigint[];
    v_new_content boolean[];
    v_told jsonb;
    v_party bigint[];
    v_parties jsonb := jsonb_build_array();
    v_papel text;
    v_newest jsonb;
    v_chaves text[];
    v_notes text[] := array[]::text[];
    v_others text[] := array[]::text[];
    v_each record;
{declarations}
begin
    -- Some gateways hand a JSON argument over as a string that holds it.
    if jsonb_typeof(chunk) = 'string' then
        chunk := (chunk #>> array[]::text[])::jsonb;
    end if;
    if chunk ->> 'form' is distinct from '{form}' then
        raise exception 'public.nfed_store takes chunks of form {form}, not of form %',
            chunk ->> 'form' using errcode = '{other_form}';
    end if;

    -- Files leave the folder once this is committed, so the commit is on the disk. Whatever else the
    -- server's owner has chosen stays: local, remote_write, remote_apply, on.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;

    -- One chunk at a time works on a document: in one order, so that two wait for each other never. A
    -- server has room for 6,400 locks by default; the gate stands for every document.
    v_locks := array(select jsonb_array_elements_text(chunk -> 'locks')::bigint);
    if cardinality(v_locks) <= 128 then
        perform pg_advisory_xact_lock_shared(1852204387);
        perform pg_advisory_xact_lock(each) from unnest(v_locks) as each;
    else
        perform pg_advisory_xact_lock(1852204387);
    end if;

    -- What is small is taken out of the chunk, which every statement about it would copy.
    v_identities := chunk -> 'identities';

    -- What a note does not say is null; but 0 in numbers that the tables' owner lets begin at 0, whose
    -- readers add up columns and would otherwise get null.
    select jsonb_object_agg(zero.name, zero.names) into v_zeros
      from (select c.relname as name, jsonb_object_agg(a.attname, 0) as names
              from pg_class c
              join pg_attrdef f on f.adrelid = c.oid
              join pg_attribute a on a.attrelid = c.oid and a.attnum = f.adnum
             where c.relnamespace = 'public'::regnamespace and c.relname in ({tables})
               and a.attgenerated = ''
               and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype,
                                  'numeric'::regtype, 'float4'::regtype, 'float8'::regtype)
               and pg_get_expr(f.adbin, f.adrelid) ~ '^[(]*''?[-+]?0+([.]0*)?''?[)]*(::[^+*/|-]*)?$'
             group by c.relname) as zero;

    -- The parties that new notes name and that are missing: once and in one order, for others wait
    -- for them. A note that is not stored is new with the first of its writings; one that was never
    -- accepted gives way to one that is.
    insert into public.empresas ({party})
    select {party_values}
      from jsonb_array_elements(v_identities) as e (value)
     cross join lateral jsonb_populate_record(null::public.empresas, e.value) as r
     where exists (
               select from jsonb_array_elements(e.value -> '_notes') as note (value)
                 left join public.notas_fiscais f on f.chave_acesso = note.value ->> 'key'
                where case when f.id is null
                           then (note.value ->> 'first')::boolean
                                or not (note.value ->> 'accepted')::boolean and {vouched_note}
                           else f.conteudo_sha256 is not null
                                and f.conteudo_sha256 <> note.value ->> 'content'
                                and f.conteudo_sha256 is distinct from note.value ->> 'as_written'
                                and not {is_accepted_f}
                                and ((note.value ->> 'accepted')::boolean or {vouched_note}) end)
       and not exists (select from public.empresas k where k.cpf_cnpj = r.cpf_cnpj)
       and not exists (select from public.empresas k
                        where r.cpf_cnpj is null and k.cpf_cnpj is null
                          and k.id_estrangeiro = r.id_estrangeiro
                          and k.razao_social = r.razao_social)
     order by r.cpf_cnpj, r.id_estrangeiro, r.razao_social
        on conflict do nothing;
    select array_agg(
               case when e.value ->> 'cpf_cnpj' is not null
                    then (select k.id from public.empresas k
                           where k.cpf_cnpj = e.value ->> 'cpf_cnpj')
                    else (select k.id from public.empresas k
                           where k.cpf_cnpj is null
                             and k.id_estrangeiro = e.value ->> 'id_estrangeiro'
                             and k.razao_social = e.value ->> 'razao_social')
                end order by e.ord)
      into v_party
      from jsonb_array_elements(v_identities) with ordinality as e (value, ord);

    for v_number in 0 .. jsonb_array_length(chunk -> 'waves') - 1 loop
        v_documents := chunk #> array['waves', v_number::text, 'documents'];
        v_named := chunk #> array['waves', v_number::text, 'parties'];
        v_rows := chunk #> array['waves', v_number::text, 'rows'];

        with doc as (
            select ord::int as n, value ->> 'head' as head, value ->> 'key' as key,
                   value ->> 'chave' as chave, (value ->> 'rank')::int as rank,
                   value ->> 'content' as content, value ->> 'as_written' as as_written,
                   (value ->> 'accepted')::boolean as is_accepted, value ->> 'digest' as digest
              from jsonb_array_elements(v_documents) with ordinality as e (value, ord)
        ),
        -- What stands for a summary.
        whole as (
            select d.n, e.id, e.arquivo_nome as file, 1 as place
              from doc d join public.nf_eventos e on e.identificador = d.key
             where d.head = 'nf_resumos' and {rank_of_e} >= {registered}
             union all
            select d.n, f.id, f.arquivo_nome, 2
              from doc d join public.notas_fiscais f on f.chave_acesso = d.chave
             where d.head = 'nf_resumos' and d.key like 'resNFe-%-1'
               and (f.conteudo_sha256 is null or {rank_of_f} >= {accepted})
        ),
        known as (
            select d.n, d.head, coalesce(w.id, h.id) as id, h.content, {rank_of_held} as rank,
                   coalesce(w.file, h.file) as file, h.status,
                   {is_accepted_held} as is_held_accepted,
                   h.content is not null and d.content is not null and h.content <> d.content
                       and h.content is distinct from d.as_written as is_other,
                   d.content is not null and h.content is null as brings_the_text,
                   w.n is not null as is_whole, h.key is not null as is_known,
                   d.rank as new_rank, d.is_accepted, d.chave, d.digest,
                   h.digest_assinatura as held_digest
              from doc d
              left join lateral (
{known}
              ) as h on true
              left join (select distinct on (n) * from whole order by n, place) w on w.n = d.n
        ),
        vouched as (
            select k.*,
                   k.is_other and not k.is_accepted and {vouched_k} as is_vouched_for,
                   k.is_held_accepted or k.is_other and {vouched_held} as is_held_vouched_for
              from known k
        ),
        decided as (
            select k.*,
                   case when k.is_whole then 'replaced'
                        when not k.is_known then 'insert'
                        when k.is_other and not k.is_held_vouched_for
                         and (k.is_accepted or k.is_vouched_for) then 'supersede'
                        when k.is_other then 'conflict'
                        when k.new_rank > k.rank
                          or k.brings_the_text and k.head <> 'notas_fiscais' then 'update'
                        else 'duplicate'
                    end as act
              from vouched k
        ),
        numbered as (
            select d.n, d.act, d.brings_the_text,
                   case d.act when 'insert' then nextval(pg_get_serial_sequence(
                       'public.' || d.head, 'id')::regclass) else d.id end as id,
                   jsonb_build_object('act', d.act, 'is_known', d.is_known,
                                      'content', d.content, 'rank', d.rank, 'file', d.file,
                                      'status', d.status,
                                      'is_accepted', coalesce(d.is_held_vouched_for, false),
                                      'is_vouched_for', coalesce(d.is_vouched_for, false),
                                      'chave', d.chave)
                       as answer
              from (select * from decided order by n) as d
        )
        select array_agg(act order by n), array_agg(id order by n),
               array_agg(brings_the_text order by n),
               jsonb_agg(answer || jsonb_build_object('id', id) order by n)
          into v_act, v_id, v_new_content, v_answer
          from numbered;
        v_answers := v_answers || v_answer;

        -- What another takes the place of gives way, with all below it.
        if 'supersede' = any (v_act) then
{emptyings}
        end if;

        -- The text of an event whose answer came first: the answer's fields go first.
        if 'update' = any (v_act) then
{emptied}
        end if;

{inserts}

        -- What goes further than the one that is stored.
        if v_act && array['update', 'supersede'] then
            for v_each in
                select ord as n, value ->> 'head' as head,
                       v_rows -> (value ->> 'head') -> 'rows' -> (array_position(array(
                           select jsonb_array_elements_text(v_rows -> (value ->> 'head') -> 'n')
                       ), ord::text) - 1) as row,
                       (value ->> 'rank')::int >= (v_answer -> (ord - 1)::int ->> 'rank')::int
                           as prevails,
                       v_act[ord] = 'supersede' as supersedes
                  from jsonb_array_elements(v_documents) with ordinality as e (value, ord)
                 where v_act[ord] in ('update', 'supersede')
                 order by ord
            loop
{supersessions}
                if v_each.head = 'notas_fiscais' and not v_each.supersedes then
{renew_note};
                end if;
{renewals}
            end loop;
        end if;

        v_notes := v_notes || array(
            select value ->> 'chave'
              from jsonb_array_elements(v_documents) with ordinality as e (value, ord)
             where v_act[ord] in ('insert', 'update', 'supersede') and value ->> 'head' <> 'dfe_documentos');
        v_others := v_others || array(
            select value ->> 'chave'
              from jsonb_array_elements(v_documents) with ordinality as e (value, ord)
             where v_act[ord] in ('insert', 'update', 'supersede') and value ->> 'head' = 'dfe_documentos');
        v_parties := v_parties || (
            select coalesce(jsonb_agg(e.value || jsonb_build_object(
                       'id', v_party[(e.value ->> 'i')::int]) order by e.ord), jsonb_build_array())
              from jsonb_array_elements(v_named) with ordinality as e (value, ord)
             where v_act[(e.value ->> 'n')::int] in ('insert', 'supersede'));
    end loop;

    -- Only now what documents do to each other: an earlier wave's must not decide about a later's.
    v_chaves := array(select distinct unnest(v_notes));
    if {waiting} then
{on_notes}
    end if;
    v_chaves := array(select distinct unnest(v_others));
    if cardinality(v_chaves) > 0 then
{on_others}
    end if;

    v_chaves := array(select distinct unnest(v_notes || v_others));
    select jsonb_object_agg(chave, jsonb_build_array(protocol_file, digest, document_file))
      into v_told from (
{other_digests}
    ) as other_digests;
    if v_told is not null then
        select jsonb_agg(e.value || jsonb_build_object(
                   'other_digest', v_told -> (e.value ->> 'chave')) order by e.ord)
          into v_answers from jsonb_array_elements(v_answers) with ordinality as e (value, ord);
    end if;

    -- Changes to parties come last, in order.
    perform 1 from public.empresas
      where id in (select (value ->> 'id')::bigint from jsonb_array_elements(v_parties))
      order by id for no key update;
    foreach v_papel in array array['emitente', 'destinatario'] loop
        select jsonb_agg(newest.value) into v_newest
          from (select distinct on ((e.value ->> 'id')::bigint)
                       e.value || jsonb_build_object(
                           'emissao_como_' || v_papel, e.value ->> 'issued') as value
                  from jsonb_array_elements(v_parties) with ordinality as e (value, ord)
                 where e.value ->> 'papel' = v_papel
                 order by (e.value ->> 'id')::bigint, e.value ->> 'issued' collate "C" desc,
                          e.ord desc) as newest;
        if v_newest is not null then
{renew_parties};
        end if;
    end loop;
    return v_answers::text;
end
$store$
