-- A page of notes in short, the newest issue first. The order is that of an index read backwards, which
-- `nulls last` would not be.
select n.id, n.chave_acesso, n.modelo, n.serie, n.numero_nf, n.data_hora_emissao,
       n.data_hora_emissao_tz, e.cpf_cnpj as emitente, e.razao_social as emitente_nome,
       d.cpf_cnpj as destinatario, d.razao_social as destinatario_nome, n.valor_total_nota, n.status
  from {public}notas_fiscais n
  left join {public}empresas e on e.id = n.emitente_id
  left join {public}empresas d on d.id = n.destinatario_id
 where {where}
 order by n.data_hora_emissao desc, n.id desc
 limit {limit}
