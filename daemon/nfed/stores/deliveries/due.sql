select n.chave_acesso
  from {public}notas_fiscais n
  left join {public}nfed_entregues d on d.nome = {name} and d.chave_acesso = n.chave_acesso
 where {where} and (d.id is null or d.estado <> {state})
 order by n.id
 limit {limit}
