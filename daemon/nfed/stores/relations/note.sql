-- Gives a stored note the protocol of another file of it. A cancellation that an event brought is not
-- undone by the protocol.
update {public}notas_fiscais as n
   set status = case when n.status in ('cancelada', 'inutilizada') then n.status else r.status end,
       tipo_ambiente_protocolo = r.tipo_ambiente_protocolo,
       versao_aplicativo_recepcao = r.versao_aplicativo_recepcao,
       numero_protocolo = r.numero_protocolo,
       digest_value = r.digest_value,
       data_hora_recebimento = r.data_hora_recebimento,
       data_hora_recebimento_tz = r.data_hora_recebimento_tz,
       codigo_status = r.codigo_status,
       motivo_status = r.motivo_status,
       data_hora_cancelamento = coalesce(n.data_hora_cancelamento, r.data_hora_cancelamento),
       data_hora_cancelamento_tz =
           coalesce(n.data_hora_cancelamento_tz, r.data_hora_cancelamento_tz),
       protocolo_cancelamento = coalesce(n.protocolo_cancelamento, r.protocolo_cancelamento),
       fonte_cancelamento = coalesce(n.fonte_cancelamento, r.fonte_cancelamento),
       digest_assinatura = coalesce(n.digest_assinatura, r.digest_assinatura),
       xml_completo = r.xml_completo,
       arquivo_nome = r.arquivo_nome,
       arquivo_sha256 = r.arquivo_sha256,
       job_id = r.job_id
  from {row} as r
 where n.id = {id}
