insert into {public}nfed_entregues (nome, chave_acesso, estado, numero, situacao)
select {name}, {alias}.{key}, {state}, {number}, case when g.id is null then 'nova' else 'alterada' end
  from {public}{head} {alias}
  left join {public}nfed_entregues g on g.nome = {name} and g.chave_acesso = {alias}.{key}
 where {alias}.{key} {keys} and (g.id is null or g.estado <> {state})
 order by {alias}.id
on conflict (nome, chave_acesso) do update
   set estado = excluded.estado, numero = excluded.numero, situacao = excluded.situacao
