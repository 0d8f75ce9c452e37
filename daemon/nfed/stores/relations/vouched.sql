-- The digests of content that protocols by themselves say is accepted, of some keys.
select a.chave_acesso as chave, trim(a.digest_value) as digest
  from {public}nf_protocolos a
 where a.chave_acesso in {chaves} and coalesce(a.digest_value, '') <> '' and {rank_of_a} > 1
union all
select a.chave_acesso, trim(a.digest_value)
  from {public}dfe_documentos a
 where a.chave_acesso in {chaves} and a.especie = 'protocolo'
   and coalesce(a.digest_value, '') <> '' and {dfe_rank_of_a} > 1
