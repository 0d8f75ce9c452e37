-- Protocols that came by themselves and are for other content than that of the note that is stored.
select n.chave_acesso as chave,
       p.arquivo_nome as protocol_file, trim(p.digest_value) as digest,
       n.arquivo_nome as document_file
  from {public}nf_protocolos p
  join {public}notas_fiscais n on n.chave_acesso = p.chave_acesso
 where p.chave_acesso in {chaves} and {rank_of_p} > 1 and not {n_takes_p}
 order by p.identificador
