-- Cancels the notes that anything cancels, and keeps of it who says so best: the event (1), the
-- cancellation of the time before there were events (2), the summary of the event (3), a protocol that was
-- rewritten (4), a consultation (5), the summary of the note (6).
update {public}notas_fiscais as n
   set status = 'cancelada',
       data_hora_cancelamento = c.data_hora,
       data_hora_cancelamento_tz = c.data_hora_tz,
       protocolo_cancelamento = c.protocolo,
       justificativa_cancelamento = c.justificativa,
       fonte_cancelamento = c.fonte
  from (select w.*, row_number() over (
                   partition by w.chave_acesso order by w.place, w.sequencia, w.identificador
               ) as number
          from (select chave_acesso, identificador, sequencia_evento as sequencia,
                       case when identificador like 'cancNFe-%' then 2 else 1 end as place,
                       case when identificador like 'cancNFe-%' then 'cancNFe' else 'evento' end
                           as fonte,
                       coalesce(data_hora_registro, data_hora_evento) as data_hora,
                       coalesce(data_hora_registro_tz, data_hora_evento_tz) as data_hora_tz,
                       numero_protocolo as protocolo, texto as justificativa
                  from {public}nf_eventos
                 where chave_acesso in {chaves} and status = 'registrado'
                   and tipo_evento in ('110111', '110112')
                 union all
                select chave_acesso, identificador, sequencia_evento, 3, 'resumo',
                       data_hora_recebimento, data_hora_recebimento_tz, numero_protocolo, null
                  from {public}nf_resumos
                 where chave_acesso in {chaves} and tipo = 'evento'
                   and tipo_evento in ('110111', '110112')
                 union all
                select a.chave_acesso, a.identificador, 1, 4, 'protocolo', a.data_hora_recebimento,
                       a.data_hora_recebimento_tz, a.numero_protocolo, null
                  from {public}nf_protocolos a
                 where a.chave_acesso in {chaves} and {rank_of_a} = 6
                   and coalesce(a.origem, '') <> 'retConsSitNFe'
                 union all
                select a.chave_acesso, '', 1, 4, 'protocolo', a.data_hora_recebimento,
                       a.data_hora_recebimento_tz, a.numero_protocolo, null
                  from {public}notas_fiscais a
                 where a.chave_acesso in {chaves} and {rank_of_a} = 6
                 union all
                -- It tells neither when nor under which number.
                select chave_acesso, identificador, 1, 5, 'consulta', null, null, null, null
                  from {public}nf_protocolos
                 where chave_acesso in {chaves} and origem = 'retConsSitNFe'
                 union all
                select chave_acesso, identificador, 1, 6, 'resumo', null, null, null, null
                  from {public}nf_resumos
                 where chave_acesso in {chaves} and tipo = 'nota' and situacao = '3') as w) as c
 where c.number = 1 and c.chave_acesso = n.chave_acesso
   and (coalesce(n.status, '') <> 'cancelada'
        or c.place < case n.fonte_cancelamento
                          when 'evento' then 1
                          when 'cancNFe' then 2
                          when 'resumo' then case when n.protocolo_cancelamento is null then 6
                                                  else 3 end
                          when 'protocolo' then 4
                          when 'consulta' then 5
                          else 9 end
        or (c.fonte = n.fonte_cancelamento
            and ((n.protocolo_cancelamento is null and c.protocolo is not null)
                 or (n.justificativa_cancelamento is null and c.justificativa is not null))))
