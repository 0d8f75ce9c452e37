-- A company by its number, with the month of its newest note.
select c.id, c.razao_social,
       (select substr(cast(max(m.emissao) as text), 1, 7)
          from (select max(n.data_hora_emissao) as emissao
                  from {public}notas_fiscais n
                 where n.emitente_id = c.id
                 union all
                select max(n.data_hora_emissao)
                  from {public}notas_fiscais n
                 where n.destinatario_id = c.id) as m) as mes
  from {public}empresas c
 where c.cpf_cnpj = :number
