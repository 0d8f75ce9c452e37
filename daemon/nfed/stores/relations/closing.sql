-- Closes MDF-e: says when, where and by which event.
update {public}mdfe as m
   set data_encerramento = e.data, codigo_uf_encerramento = e.codigo_uf,
       codigo_municipio_encerramento = e.codigo_municipio,
       protocolo_encerramento = e.numero_protocolo,
       data_hora_encerramento = e.data_hora_recebimento,
       data_hora_encerramento_tz = e.data_hora_recebimento_tz
  from (select d.id, x.data, x.codigo_uf, x.codigo_municipio, a.numero_protocolo,
               a.data_hora_recebimento, a.data_hora_recebimento_tz,
               row_number() over (
                   partition by a.chave_acesso order by a.sequencia_evento, a.identificador
               ) as place
          from {public}dfe_documentos a
          join {public}mdfe_encerramentos x on x.dfe_documento_id = a.id
          join {public}dfe_documentos d on d.chave_acesso = a.chave_acesso
         where a.chave_acesso in {chaves} and a.status = 'registrado'
           and d.especie = 'documento') as e
 where e.place = 1 and m.dfe_documento_id = e.id
   and (m.data_encerramento is null
        or coalesce(m.protocolo_encerramento, '') <> coalesce(e.numero_protocolo, ''))
