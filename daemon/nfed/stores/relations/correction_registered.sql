-- Gives the corrections of notes what the tax office has answered since.
update {public}nf_cce as c
   set data_hora_evento = e.data_hora_evento, data_hora_evento_tz = e.data_hora_evento_tz,
       correcao = coalesce(e.texto, c.correcao),
       versao_aplicativo = e.versao_aplicativo, numero_protocolo = e.numero_protocolo,
       data_hora_recebimento = e.data_hora_registro,
       data_hora_recebimento_tz = e.data_hora_registro_tz,
       codigo_status = e.codigo_status, motivo_status = e.motivo_status
  from {public}nf_eventos e join {public}notas_fiscais n on n.chave_acesso = e.chave_acesso
 where e.chave_acesso in {chaves} and e.tipo_evento = '110110' and e.status <> 'rejeitado'
   and c.nota_fiscal_id = n.id and c.sequencia_evento = e.sequencia_evento
   and c.numero_protocolo is null and e.numero_protocolo is not null
