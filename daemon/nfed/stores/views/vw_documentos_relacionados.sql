select d.chave_acesso as chave_acesso, 'cita' as sentido, r.relacao as relacao,
       r.chave_acesso as outra_chave
  from {public}dfe_referencias r
  join {public}dfe_documentos d on d.id = r.dfe_documento_id
 where r.chave_acesso is not null
 union all
select r.chave_acesso, 'citado por', r.relacao,
       d.chave_acesso
  from {public}dfe_referencias r
  join {public}dfe_documentos d on d.id = r.dfe_documento_id
 where r.chave_acesso is not null
 union all
select d.chave_acesso, 'cita', 'manifestada',
       k.chave_acesso
  from {public}mdfe_documentos k
  join {public}mdfe_descargas m on m.id = k.mdfe_descarga_id
  join {public}dfe_documentos d on d.id = m.dfe_documento_id
 where k.chave_acesso is not null
 union all
select k.chave_acesso, 'citado por', 'manifestada',
       d.chave_acesso
  from {public}mdfe_documentos k
  join {public}mdfe_descargas m on m.id = k.mdfe_descarga_id
  join {public}dfe_documentos d on d.id = m.dfe_documento_id
 where k.chave_acesso is not null
 union all
select d.chave_acesso, 'cita', 'manifestada',
       r.chave_acesso
  from {public}mdfe_documentos k
  join {public}mdfe_descargas m on m.id = k.mdfe_descarga_id
  join {public}dfe_documentos d on d.id = m.dfe_documento_id
  join {public}dfe_documentos c on c.chave_acesso = k.chave_acesso and c.especie = 'documento'
  join {public}dfe_referencias r on r.dfe_documento_id = c.id
 where r.relacao = 'transportada' and r.chave_acesso is not null
 union all
select r.chave_acesso, 'citado por', 'manifestada',
       d.chave_acesso
  from {public}mdfe_documentos k
  join {public}mdfe_descargas m on m.id = k.mdfe_descarga_id
  join {public}dfe_documentos d on d.id = m.dfe_documento_id
  join {public}dfe_documentos c on c.chave_acesso = k.chave_acesso and c.especie = 'documento'
  join {public}dfe_referencias r on r.dfe_documento_id = c.id
 where r.relacao = 'transportada' and r.chave_acesso is not null
 union all
select d.chave_acesso, 'cita', 'referenciada',
       f.chave_acesso_referenciada
  from {public}nf_referencias f
  join {public}notas_fiscais d on d.id = f.nota_fiscal_id
 where f.chave_acesso_referenciada is not null
 union all
select f.chave_acesso_referenciada, 'citado por', 'referenciada',
       d.chave_acesso
  from {public}nf_referencias f
  join {public}notas_fiscais d on d.id = f.nota_fiscal_id
 where f.chave_acesso_referenciada is not null
 union all
select d.chave_acesso, 'cita', 'referenciada',
       f.chave_acesso_cte
  from {public}nf_referencias f
  join {public}notas_fiscais d on d.id = f.nota_fiscal_id
 where f.chave_acesso_cte is not null
 union all
select f.chave_acesso_cte, 'citado por', 'referenciada',
       d.chave_acesso
  from {public}nf_referencias f
  join {public}notas_fiscais d on d.id = f.nota_fiscal_id
 where f.chave_acesso_cte is not null
