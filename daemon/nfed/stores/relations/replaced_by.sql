-- Gives a municipal NFS-e the number of the one that replaces it, where its own file does not say it.
update {public}nfse as n
   set numero_nfse_substituta = r.numero
  from ({replacements}) as r
 where r.place = 1 and n.dfe_documento_id = r.id and n.numero_nfse_substituta is null
