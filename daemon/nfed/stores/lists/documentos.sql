-- A page of documents in short, found as the notes' page is.
select x.id, x.chave_acesso, x.tipo, x.modelo, x.serie, x.numero, x.data_hora_emissao,
       x.data_hora_emissao_tz, x.emitente_cpf_cnpj, x.emitente_nome, x.destinatario_cpf_cnpj,
       x.destinatario_nome, x.tomador_cpf_cnpj, x.tomador_nome, x.valor_total, x.status
  from (select x.id
          from {public}dfe_documentos x
         where {where}
         order by {key} {direction}, x.id {direction}
         limit {limit} offset {offset}) as chosen
  join {public}dfe_documentos x on x.id = chosen.id
 order by {key} {direction}, x.id {direction}
