insert into {public}nfed_entregues (nome, chave_acesso, estado, numero, situacao)
select {name}, n.chave_acesso, {state}, {number}, case when d.id is null then 'nova' else 'alterada' end
  from {public}notas_fiscais n
  left join {public}nfed_entregues d on d.nome = {name} and d.chave_acesso = n.chave_acesso
 where n.chave_acesso {chaves} and (d.id is null or d.estado <> {state})
 order by n.id
on conflict (nome, chave_acesso) do update
   set estado = excluded.estado, numero = excluded.numero, situacao = excluded.situacao
