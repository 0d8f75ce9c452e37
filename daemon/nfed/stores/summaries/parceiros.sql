-- Whom the company sold to in the month, or bought from: usual notes of goods that leave their issuer.
select c.cpf_cnpj, c.razao_social, count(*) as notas, nfed_sum(n.valor_total_nota) as total
  from {public}notas_fiscais n
  left join {public}empresas c on c.id = n.{other}_id
 where n.{own}_id = :company
   and n.data_hora_emissao >= :since
   and n.data_hora_emissao < :until
   and n.status = 'autorizada'
   and n.tipo_ambiente = :ambiente
   and n.tipo_operacao = '1'
   and n.finalidade_emissao = '1'
 group by c.id, c.cpf_cnpj, c.razao_social
 order by sum(n.valor_total_nota) desc, c.cpf_cnpj
 limit {most}
