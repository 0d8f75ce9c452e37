select n.chave_acesso, n.numero_nf, n.serie, i.numero_item, i.codigo_produto, i.descricao,
       i.ncm, i.cfop, i.quantidade_comercial, i.valor_unitario_comercial,
       i.valor_total_bruto, icms.valor_bc as icms_bc, icms.valor_icms, ipi.valor_ipi,
       pis.valor_pis, cofins.valor_cofins
  from {public}nf_itens i
  join {public}notas_fiscais n on n.id = i.nota_fiscal_id
  left join {public}nf_itens_icms icms on icms.nf_item_id = i.id
  left join {public}nf_itens_ipi ipi on ipi.nf_item_id = i.id
  left join {public}nf_itens_pis pis on pis.nf_item_id = i.id
  left join {public}nf_itens_cofins cofins on cofins.nf_item_id = i.id
