-- Keeps parties as their newest note writes them, in whatever order the notes come. What both roles can
-- carry follows the newest note of either; what only one can, the newest in that role.
update {public}empresas as e
   set razao_social = case when r.is_newest then r.razao_social else e.razao_social end,
       tipo_pessoa = case when r.is_newest then r.tipo_pessoa else e.tipo_pessoa end,
       inscricao_estadual =
           case when r.is_newest then r.inscricao_estadual else e.inscricao_estadual end,
       inscricao_municipal =
           case when r.is_newest then r.inscricao_municipal else e.inscricao_municipal end,
       logradouro = case when r.is_newest then r.logradouro else e.logradouro end,
       numero = case when r.is_newest then r.numero else e.numero end,
       complemento = case when r.is_newest then r.complemento else e.complemento end,
       bairro = case when r.is_newest then r.bairro else e.bairro end,
       codigo_municipio = case when r.is_newest then r.codigo_municipio else e.codigo_municipio end,
       nome_municipio = case when r.is_newest then r.nome_municipio else e.nome_municipio end,
       uf = case when r.is_newest then r.uf else e.uf end,
       cep = case when r.is_newest then r.cep else e.cep end,
       codigo_pais = case when r.is_newest then r.codigo_pais else e.codigo_pais end,
       nome_pais = case when r.is_newest then r.nome_pais else e.nome_pais end,
       telefone = case when r.is_newest then r.telefone else e.telefone end,
       -- What only an issuer carries.
       nome_fantasia =
           case when not r.is_issuer then coalesce(e.nome_fantasia, r.nome_fantasia)
                when r.is_newest_in_role then r.nome_fantasia else e.nome_fantasia end,
       regime_tributario =
           case when not r.is_issuer then coalesce(e.regime_tributario, r.regime_tributario)
                when r.is_newest_in_role then r.regime_tributario else e.regime_tributario end,
       inscricao_estadual_st =
           case when not r.is_issuer then coalesce(e.inscricao_estadual_st, r.inscricao_estadual_st)
                when r.is_newest_in_role then r.inscricao_estadual_st
                else e.inscricao_estadual_st end,
       cnae = case when not r.is_issuer then coalesce(e.cnae, r.cnae)
                   when r.is_newest_in_role then r.cnae else e.cnae end,
       -- What only a buyer carries; but for ISUFEmit, which is seldom there.
       inscricao_suframa =
           case when r.is_issuer then coalesce(e.inscricao_suframa, r.inscricao_suframa)
                when r.is_newest_in_role then r.inscricao_suframa else e.inscricao_suframa end,
       email = case when r.is_issuer then coalesce(e.email, r.email)
                    when r.is_newest_in_role then r.email else e.email end,
       indicador_ie_destinatario =
           case when r.is_issuer
                then coalesce(e.indicador_ie_destinatario, r.indicador_ie_destinatario)
                when r.is_newest_in_role then r.indicador_ie_destinatario
                else e.indicador_ie_destinatario end,
       emissao_como_emitente =
           case when r.is_issuer and r.is_newest_in_role then r.emissao_como_emitente
                else e.emissao_como_emitente end,
       emissao_como_destinatario =
           case when not r.is_issuer and r.is_newest_in_role then r.emissao_como_destinatario
                else e.emissao_como_destinatario end
  from (select n.*, n.emissao_como_emitente is not null as is_issuer,
               coalesce(n.emissao_como_emitente, n.emissao_como_destinatario)
                   >= case when coalesce(h.emissao_como_emitente, '')
                                > coalesce(h.emissao_como_destinatario, '')
                           then h.emissao_como_emitente
                           else coalesce(h.emissao_como_destinatario, '') end as is_newest,
               coalesce(n.emissao_como_emitente, n.emissao_como_destinatario)
                   >= case when n.emissao_como_emitente is not null
                           then coalesce(h.emissao_como_emitente, '')
                           else coalesce(h.emissao_como_destinatario, '') end as is_newest_in_role
          from {rows} n join {public}empresas h on h.id = n.id) as r
 where e.id = r.id
