-- What is stored under some keys of one kind of document.
select h.{key} as key, h.id, h.conteudo_sha256 as content, {codigo_status} as codigo_status,
       h.numero_protocolo, {answered} as answered, {digest_value} as digest_value,
       {digest_assinatura} as digest_assinatura, h.status, h.arquivo_nome as file
  from {keys} k join {public}{head} h on h.{key} = k.key
