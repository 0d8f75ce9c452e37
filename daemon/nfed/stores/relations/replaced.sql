-- Says of a municipal NFS-e that another replaces it: that one names its number, of the same municipality
-- and provider. What its own file says of its end stays.
update {public}dfe_documentos as d
   set status = 'cancelada',
       data_hora_cancelamento = r.data_hora_emissao,
       data_hora_cancelamento_tz = r.data_hora_emissao_tz,
       fonte_cancelamento = 'substituta'
  from ({replacements}) as r
 where r.place = 1 and d.id = r.id and coalesce(d.status, '') <> 'cancelada'
