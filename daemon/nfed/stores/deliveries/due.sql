select {alias}.{key}
  from {public}{head} {alias}
  left join {public}nfed_entregues g on g.nome = {name} and g.chave_acesso = {alias}.{key}
 where {where} and (g.id is null or g.estado <> {state})
 order by {alias}.id
 limit {limit}
