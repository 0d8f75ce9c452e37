-- Gives notes whose protocol has not come what their summary tells of it, where it is about this content.
update {public}notas_fiscais as n
   set status = case when n.status in ('cancelada', 'inutilizada') then n.status
                     when a.situacao = '2' then 'denegada' else 'autorizada' end,
       numero_protocolo = a.numero_protocolo,
       digest_value = a.digest_value,
       data_hora_recebimento = a.data_hora_recebimento,
       data_hora_recebimento_tz = a.data_hora_recebimento_tz,
       codigo_status = null,
       motivo_status = null
  from {public}nf_resumos a
 where a.chave_acesso in {chaves} and a.tipo = 'nota' and a.situacao in ('1', '2')
   and a.chave_acesso = n.chave_acesso and n.conteudo_sha256 is not null and {rank_of_n} < 2
   and (a.situacao = '2' or coalesce(a.digest_value, '') <> '') and {n_takes_a}
