-- The same for documents that are no notes.
select n.chave_acesso as chave,
       p.arquivo_nome as protocol_file, trim(p.digest_value) as digest,
       n.arquivo_nome as document_file
  from {public}dfe_documentos p
  join {public}dfe_documentos n on n.identificador = p.chave_acesso
 where p.chave_acesso in {chaves} and p.especie = 'protocolo' and {dfe_rank_of_p} > 1
   and not {dfe_n_takes_p}
 order by p.identificador
