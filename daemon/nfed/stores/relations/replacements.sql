select f.*, row_number() over (partition by f.id order by f.identificador) as place
          from (select d.id, a.identificador, cast(a.numero as varchar(15)) as numero,
                       a.data_hora_emissao, a.data_hora_emissao_tz
                  from {public}dfe_documentos a
                  join {public}nfse x on x.dfe_documento_id = a.id
                  join {public}dfe_documentos d on d.emitente_cpf_cnpj = a.emitente_cpf_cnpj
                  join {public}nfse y on y.dfe_documento_id = d.id
                 where a.chave_acesso in {chaves} and a.tipo = 'NFSeMunicipal'
                   and x.numero_nfse_substituida is not null and d.id <> a.id
                   and d.tipo = 'NFSeMunicipal'
                   and cast(d.numero as varchar(15)) = x.numero_nfse_substituida
                   and y.codigo_municipio_emissao = x.codigo_municipio_emissao
                 union
                select d.id, a.identificador, cast(a.numero as varchar(15)),
                       a.data_hora_emissao, a.data_hora_emissao_tz
                  from {public}dfe_documentos d
                  join {public}nfse y on y.dfe_documento_id = d.id
                  join {public}nfse x
                    on x.numero_nfse_substituida = cast(d.numero as varchar(15))
                  join {public}dfe_documentos a on a.id = x.dfe_documento_id
                 where d.chave_acesso in {chaves} and d.tipo = 'NFSeMunicipal'
                   and a.tipo = 'NFSeMunicipal' and a.id <> d.id
                   and a.emitente_cpf_cnpj = d.emitente_cpf_cnpj
                   and y.codigo_municipio_emissao = x.codigo_municipio_emissao) as f
