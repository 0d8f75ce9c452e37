select {fields}
  from {public}notas_fiscais n
  left join {public}empresas e on e.id = n.emitente_id
  left join {public}empresas d on d.id = n.destinatario_id
 where {where}
 order by {order}
 limit {limit}
