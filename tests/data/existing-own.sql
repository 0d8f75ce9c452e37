-- What users made themselves on top of what existing-schema.sql makes.
create role dashboards;
create role analyst;
create view vw_vendas with (security_barrier = true) as
    select emitente, sum(valor_total_nota) as total from vw_notas_fiscais_resumo group by emitente;
comment on view vw_vendas is 'da diretoria, não mexer';
comment on column vw_vendas.total is 'R$';
grant select on vw_notas_fiscais_resumo to dashboards;
alter view vw_vendas owner to dashboards;
grant select on vw_vendas to analyst with grant option;
grant select (emitente) on vw_vendas to public;
create materialized view mv_ncm as select ncm, count(*) as itens from nf_itens group by ncm;
create unique index ux_mv_ncm on mv_ncm (ncm);
create materialized view mv_vazia as select aliquota from nf_itens_icms with no data;
create view "Vista ""estranha"" 2" as select * from empresas where uf = 'SP';
alter view "Vista ""estranha"" 2" alter column uf set default 'RJ';
create function troca() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger troca instead of insert on "Vista ""estranha"" 2" for each row
    execute function troca();
grant all on vw_nf_itens_completo to analyst;
create function maiores() returns table (nome varchar, valor numeric, uf bpchar)
    language plpgsql as $$ begin
        return query select e.razao_social, n.valor_total_nota, e.uf
            from notas_fiscais n join empresas e on e.id = n.emitente_id order by n.id;
    end $$;
alter default privileges grant select on tables to public;
