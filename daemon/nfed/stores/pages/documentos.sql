select {fields}
  from {public}dfe_documentos x
 where {where}
 order by {order}
 limit {limit}
