-- A page of notes in short. Which notes is found first, by an index alone where that decides; the order is
-- that of an index read in one direction or the other, which `nulls last` would not be.
select n.id, n.chave_acesso, n.modelo, n.serie, n.numero_nf, n.data_hora_emissao,
       n.data_hora_emissao_tz, e.cpf_cnpj as emitente, e.razao_social as emitente_nome,
       d.cpf_cnpj as destinatario, d.razao_social as destinatario_nome, n.valor_total_nota, n.status
  from (select n.id
          from {public}notas_fiscais n
         where {where}
         order by {key} {direction}, n.id {direction}
         limit {limit} offset {offset}) as chosen
  join {public}notas_fiscais n on n.id = chosen.id
  left join {public}empresas e on e.id = n.emitente_id
  left join {public}empresas d on d.id = n.destinatario_id
 order by {key} {direction}, n.id {direction}
