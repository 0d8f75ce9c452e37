select {fields}
  from {public}notas_fiscais n
  join {public}nf_itens i on i.nota_fiscal_id = n.id
  left join {public}empresas e on e.id = n.emitente_id
  left join {public}empresas d on d.id = n.destinatario_id
  left join {public}nf_itens_icms icms on icms.nf_item_id = i.id
  left join {public}nf_itens_ipi ipi on ipi.nf_item_id = i.id
  left join {public}nf_itens_pis pis on pis.nf_item_id = i.id
  left join {public}nf_itens_cofins cofins on cofins.nf_item_id = i.id
  left join {public}nf_itens_issqn issqn on issqn.nf_item_id = i.id
  left join {public}nf_itens_is seletivo on seletivo.nf_item_id = i.id
  left join {public}nf_itens_ibscbs ibscbs on ibscbs.nf_item_id = i.id
 where {where}
 order by {order}
 limit {limit}
