(v_dated and n.data_hora_emissao is not null
        or not v_dated and n.data_hora_emissao is null)
   and (v_emitente is null or n.emitente_id = (
        select x.id from public.empresas x where x.cpf_cnpj = v_emitente))
   and (v_destinatario is null or n.destinatario_id = (
        select x.id from public.empresas x where x.cpf_cnpj = v_destinatario))
   and (v_from is null or n.data_hora_emissao >= v_from)
   and (v_until is null or n.data_hora_emissao < v_until)
   and (v_after_moment is null or (n.data_hora_emissao, n.id) < (v_after_moment, v_after_id))
   and (v_dated or v_after_id is null or n.id < v_after_id)
