coalesce(x.status, '') || '|' || coalesce(x.codigo_status, '') || '|' || coalesce(x.numero_protocolo, '')
    || '|' || substr(coalesce(x.conteudo_sha256, ''), 1, 16)
