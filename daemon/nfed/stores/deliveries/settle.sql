update {public}nfed_entregues
   set estado = (select {state} from {public}notas_fiscais n
                  where n.chave_acesso = nfed_entregues.chave_acesso)
 where nome = {name} and numero = {number}
   and estado <> (select {state} from {public}notas_fiscais n
                   where n.chave_acesso = nfed_entregues.chave_acesso)
