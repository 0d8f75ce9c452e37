coalesce(n.status, '') || '|' || coalesce(n.codigo_status, '') || '|' || coalesce(n.numero_protocolo, '')
    || '|' || substr(coalesce(n.conteudo_sha256, ''), 1, 16) || '|' || coalesce((
        select {events}
          from (select x.identificador || ':' || coalesce(x.codigo_status, '') || ':'
                       || substr(coalesce(x.conteudo_sha256, ''), 1, 8) as evento
                  from {public}nf_eventos x
                 where x.chave_acesso = n.chave_acesso
                 order by x.identificador) v), '')
