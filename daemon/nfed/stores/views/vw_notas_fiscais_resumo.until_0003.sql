select n.id, n.chave_acesso, n.numero_nf, n.serie, n.data_hora_emissao,
       n.natureza_operacao, n.tipo_operacao, n.status,
       e.razao_social as emitente, e.cpf_cnpj as emitente_cpf_cnpj,
       d.razao_social as destinatario, d.cpf_cnpj as destinatario_cpf_cnpj,
       n.valor_total_produtos, n.valor_total_nota, n.valor_icms, n.valor_ipi,
       n.valor_pis, n.valor_cofins,
       (select count(*) from {public}nf_itens i where i.nota_fiscal_id = n.id) as quantidade_itens
  from {public}notas_fiscais n
  left join {public}empresas e on e.id = n.emitente_id
  left join {public}empresas d on d.id = n.destinatario_id
