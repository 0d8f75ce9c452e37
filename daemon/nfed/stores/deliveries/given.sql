select chave_acesso, situacao
  from {public}nfed_entregues
 where nome = {name} and numero = {number} and chave_acesso > {after}
 order by chave_acesso
 limit {limit}
