-- Takes away the summaries of notes that are stored themselves and know what the summary tells.
delete from {public}nf_resumos
 where chave_acesso in {chaves} and tipo = 'nota'
   and exists (select 1 from {public}notas_fiscais n
                where n.chave_acesso = nf_resumos.chave_acesso
                  and (case when nf_resumos.situacao in ('2', '3')
                            then n.status in ('cancelada', 'denegada')
                            else coalesce(n.status, '') not in ('emitida', 'rejeitada') end))
