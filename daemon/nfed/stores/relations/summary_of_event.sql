-- Takes away the summaries of events that are stored themselves, as registered ones.
delete from {public}nf_resumos
 where chave_acesso in {chaves} and tipo = 'evento'
   and exists (select 1 from {public}nf_eventos e
                where e.identificador = nf_resumos.identificador and e.status = 'registrado')
