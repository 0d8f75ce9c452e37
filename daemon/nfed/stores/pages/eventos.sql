select {fields}
  from {public}nf_eventos x
  left join {public}notas_fiscais n on n.chave_acesso = x.chave_acesso
  left join {public}empresas e on e.id = n.emitente_id
  left join {public}empresas d on d.id = n.destinatario_id
 where {where}
 order by {order}
 limit {limit}
