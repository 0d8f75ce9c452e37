(nfed_contains(n.informacoes_complementares, {value})
    or exists (select 1 from {public}empresas c
                where c.id in (n.emitente_id, n.destinatario_id)
                  and (nfed_contains(c.razao_social, {value}) or nfed_contains(c.nome_fantasia, {value})
                       or nfed_contains(c.cpf_cnpj, {codigo})))
    or exists (select 1 from {public}nf_partes p
                where p.nota_fiscal_id = n.id
                  and (nfed_contains(p.razao_social, {value}) or nfed_contains(p.nome_fantasia, {value})
                       or nfed_contains(p.cpf_cnpj, {codigo})))
    or exists (select 1 from {public}nf_itens i
                where i.nota_fiscal_id = n.id
                  and (nfed_contains(i.descricao, {value})
                       or nfed_contains(i.codigo_produto, {value}))))
