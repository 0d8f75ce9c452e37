-- The month's items by a code, the greatest value first.
select {code} as codigo, count(distinct n.id) as notas, count(*) as itens,
       nfed_sum(i.valor_total_bruto) as valor
  from {public}notas_fiscais n
  join {public}nf_itens i on i.nota_fiscal_id = n.id
 where n.{own}_id = :company
   and n.data_hora_emissao >= :since
   and n.data_hora_emissao < :until
   and n.status = 'autorizada'
   and n.tipo_ambiente = :ambiente
 group by {code}
 order by sum(i.valor_total_bruto) desc, codigo
 limit {most}
