-- Gives notes the protocol that came furthest of those that came by themselves and are for their content.
update {public}notas_fiscais as n
   set tipo_ambiente_protocolo = p.tipo_ambiente,
       versao_aplicativo_recepcao = p.versao_aplicativo,
       numero_protocolo = p.numero_protocolo,
       digest_value = p.digest_value,
       data_hora_recebimento = p.data_hora_recebimento,
       data_hora_recebimento_tz = p.data_hora_recebimento_tz,
       codigo_status = p.codigo_status,
       motivo_status = p.motivo_status,
       status = case when n.status in ('cancelada', 'inutilizada') then n.status
                     when p.standing = 6 then 'cancelada'
                     when p.standing = 4 then 'denegada'
                     when p.standing > 1 then 'autorizada'
                     else 'rejeitada' end
  from (select a.*, f.id as note_id, {rank_of_a} as standing,
               row_number() over (
                   partition by a.chave_acesso order by {rank_of_a} desc, a.identificador
               ) as place
          from {public}nf_protocolos a
          join {public}notas_fiscais f on f.chave_acesso = a.chave_acesso
         where a.chave_acesso in {chaves} and coalesce(a.origem, '') <> 'retConsSitNFe'
           and {f_takes_a}) as p
 where p.place = 1 and p.note_id = n.id and p.standing > {rank_of_n}
