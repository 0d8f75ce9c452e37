-- Gives other documents the protocol that came furthest of those that came by themselves and are for their
-- content.
update {public}dfe_documentos as n
   set numero_protocolo = p.numero_protocolo,
       digest_value = p.digest_value,
       data_hora_recebimento = p.data_hora_recebimento,
       data_hora_recebimento_tz = p.data_hora_recebimento_tz,
       codigo_status = p.codigo_status,
       motivo_status = p.motivo_status,
       status = case when n.status in ('cancelada', 'encerrada') then n.status
                     when p.standing = 6 then 'cancelada'
                     when p.standing = 5 then 'encerrada'
                     when p.standing = 4 then 'denegada'
                     when p.standing > 1 then 'autorizada'
                     else 'rejeitada' end
  from (select a.*, f.id as document_id, {dfe_rank_of_a} as standing,
               row_number() over (
                   partition by a.chave_acesso order by {dfe_rank_of_a} desc, a.identificador
               ) as place
          from {public}dfe_documentos a
          join {public}dfe_documentos f on f.identificador = a.chave_acesso
         where a.chave_acesso in {chaves} and a.especie = 'protocolo'
           and a.identificador not like 'consulta-%' and {dfe_f_takes_a}) as p
 where p.place = 1 and p.document_id = n.id and p.standing > {dfe_rank_of_n}
