-- Adds to notes the corrections that they lack.
insert into {public}nf_cce (nota_fiscal_id, sequencia_evento, data_hora_evento, data_hora_evento_tz,
                            correcao, tipo_ambiente, versao_aplicativo, numero_protocolo,
                            data_hora_recebimento, data_hora_recebimento_tz, codigo_status,
                            motivo_status)
select n.id, e.sequencia_evento, e.data_hora_evento, e.data_hora_evento_tz, e.texto,
       e.tipo_ambiente, e.versao_aplicativo, e.numero_protocolo, e.data_hora_registro,
       e.data_hora_registro_tz, e.codigo_status, e.motivo_status
  from {public}nf_eventos e join {public}notas_fiscais n on n.chave_acesso = e.chave_acesso
 where e.chave_acesso in {chaves} and e.tipo_evento = '110110' and e.status <> 'rejeitado'
   and not exists (select 1 from {public}nf_cce c
                    where c.nota_fiscal_id = n.id and c.sequencia_evento = e.sequencia_evento)
