-- Who stands in the notes issued last, which an index gives.
select c.cpf_cnpj, c.razao_social, count(*) as notas, max(p.mes) as mes
  from (select u.emitente_id as id, u.mes
          from (select emitente_id, substr(cast(data_hora_emissao as text), 1, 7) as mes
                  from {public}notas_fiscais
                 where data_hora_emissao is not null
                 order by data_hora_emissao desc
                 limit 500) as u
         union all
        select u.destinatario_id, u.mes
          from (select destinatario_id, substr(cast(data_hora_emissao as text), 1, 7) as mes
                  from {public}notas_fiscais
                 where data_hora_emissao is not null
                 order by data_hora_emissao desc
                 limit 500) as u) as p
  join {public}empresas c on c.id = p.id
 where c.cpf_cnpj is not null
 group by c.id, c.cpf_cnpj, c.razao_social
 order by notas desc, c.cpf_cnpj
 limit {most}
