-- What cites a document and what it cites; a document that is not stored has no especie.
select distinct r.sentido, r.relacao, r.outra_chave as chave,
       (select min(v.especie) from {public}vw_documentos v where v.chave_acesso = r.outra_chave)
           as especie
  from {public}vw_documentos_relacionados r
 where r.chave_acesso = {chave}
 order by 1, 2, 3
 limit {limit}
