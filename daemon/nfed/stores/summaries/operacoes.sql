-- All notes of the month, of either environment, by what they are.
select n.tipo_ambiente, n.tipo_operacao, n.finalidade_emissao, n.status, count(*) as notas,
       nfed_sum(n.valor_total_nota) as total,
       {taxes}
  from {public}notas_fiscais n
 where n.{own}_id = :company
   and n.data_hora_emissao >= :since
   and n.data_hora_emissao < :until
 group by n.tipo_ambiente, n.tipo_operacao, n.finalidade_emissao, n.status
 order by n.tipo_operacao desc, n.finalidade_emissao, n.status
