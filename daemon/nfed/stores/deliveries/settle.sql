update {public}nfed_entregues
   set estado = (select {state} from {public}{head} {alias}
                  where {alias}.{key} = nfed_entregues.chave_acesso)
 where nome = {name} and numero = {number}
   and estado <> (select {state} from {public}{head} {alias}
                   where {alias}.{key} = nfed_entregues.chave_acesso)
