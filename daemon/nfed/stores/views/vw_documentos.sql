select case n.modelo when '65' then 'nfce' else 'nfe' end as especie,
       'notas_fiscais' as tabela, n.id as id, n.chave_acesso as chave_acesso, n.serie as serie,
       n.numero_nf as numero,
       (select e.cpf_cnpj from {public}empresas e where e.id = n.emitente_id) as emitente_cpf_cnpj,
       (select e.razao_social from {public}empresas e where e.id = n.emitente_id) as emitente_nome,
       (select d.cpf_cnpj from {public}empresas d where d.id = n.destinatario_id)
           as destinatario_cpf_cnpj,
       (select d.razao_social from {public}empresas d where d.id = n.destinatario_id)
           as destinatario_nome,
       n.data_hora_emissao as data_hora_emissao,
       substr(cast(n.data_hora_emissao as text), 1, 10) as data_emissao,
       substr(cast(n.data_hora_emissao as text), 1, 7) as mes_emissao,
       n.valor_total_nota as valor, n.status as status
  from {public}notas_fiscais n
 union all
select lower(x.tipo), 'dfe_documentos', x.id, x.chave_acesso, x.serie, x.numero,
       x.emitente_cpf_cnpj, x.emitente_nome, x.destinatario_cpf_cnpj, x.destinatario_nome,
       x.data_hora_emissao, substr(cast(x.data_hora_emissao as text), 1, 10),
       substr(cast(x.data_hora_emissao as text), 1, 7), x.valor_total, x.status
  from {public}dfe_documentos x
 where x.especie = 'documento'
