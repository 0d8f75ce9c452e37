-- Numbers that are missing before one of the month. A gap counts for the month when it lies between the
-- last number of a note that is dated before it, and the last one of the month.
with usados as (
  select n.modelo, n.serie, n.numero_nf as de, n.numero_nf as ate,
         case when n.data_hora_emissao < :since then 0 when n.data_hora_emissao < :until then 1
              else 2 end as quando
    from {public}notas_fiscais n
   where n.emitente_id = :company
     and n.tipo_ambiente = :ambiente
     and n.data_hora_emissao >= :before
     and n.data_hora_emissao < :after
     and n.numero_nf is not null
   union all
  select v.modelo, v.serie, v.numero_inicial, v.numero_final, 3
    from {public}nf_inutilizacoes v
   where v.cpf_cnpj = :number
     and v.tipo_ambiente = :ambiente
     and v.status = 'homologada'
), series as (
  select modelo, serie, min(case when quando = 1 then de end) as menor,
         max(case when quando = 1 then ate end) as maior
    from usados
   group by modelo, serie
), limites as (
  select s.modelo, s.serie, s.maior,
         (select max(u.ate)
            from usados u
           where u.modelo = s.modelo and u.serie = s.serie and u.quando = 0
             and u.ate < s.menor) as ultimo
    from series s
   where s.maior is not null
), sequencia as (
  select modelo, serie, de, max(ate) over (partition by modelo, serie order by de, ate
                                           rows between unbounded preceding and 1 preceding)
                                as anterior
    from usados
)
select q.modelo, q.serie, q.anterior + 1 as primeiro, q.de - 1 as derradeiro,
       sum(q.de - q.anterior - 1) over () as faltam
  from sequencia q
  join limites m on m.modelo = q.modelo and m.serie = q.serie
 where q.de > q.anterior + 1
   and q.de <= m.maior
   and q.anterior >= coalesce(m.ultimo, 0)
 order by q.modelo, q.serie, q.anterior
 limit {most}
