-- Twelve months in short.
select substr(cast(n.data_hora_emissao as text), 1, 7) as mes, n.tipo_operacao,
       n.finalidade_emissao, n.status, count(*) as notas, nfed_sum(n.valor_total_nota) as total
  from {public}notas_fiscais n
 where n.{own}_id = :company
   and n.data_hora_emissao >= :first
   and n.data_hora_emissao < :until
   and n.status = 'autorizada'
   and n.tipo_ambiente = :ambiente
 group by substr(cast(n.data_hora_emissao as text), 1, 7), n.tipo_operacao, n.finalidade_emissao,
          n.status
 order by 1, 2 desc, 3
