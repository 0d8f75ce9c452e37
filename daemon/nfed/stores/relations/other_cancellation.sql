-- Cancels other documents, and closes MDF-e, whatever says so; who says it best is kept, as with notes. An
-- NFS-e is cancelled by its issuer, by substitution, granted by the municipality, by its own decision. An
-- MDF-e is closed by its issuer (110112) or by the tax office (310112).
update {public}dfe_documentos as d
   set status = c.status,
       data_hora_cancelamento = c.data_hora,
       data_hora_cancelamento_tz = c.data_hora_tz,
       protocolo_cancelamento = c.protocolo,
       fonte_cancelamento = c.fonte
  from (select w.*, row_number() over (
                   partition by w.chave_acesso
                   order by w.status, w.place, w.sequencia, w.identificador
               ) as number
          from (select a.chave_acesso, a.identificador, a.sequencia_evento as sequencia,
                       case when a.tipo in ('eventoMDFe', 'retEventoMDFe') and a.tipo_evento <> '110111'
                            then 'encerrada' else 'cancelada' end as status,
                       case when a.identificador like 'cancCTe-%' then 2 else 1 end as place,
                       case when a.identificador like 'cancCTe-%' then 'cancCTe' else 'evento' end
                           as fonte,
                       coalesce(a.data_hora_recebimento, a.data_hora_emissao) as data_hora,
                       coalesce(a.data_hora_recebimento_tz, a.data_hora_emissao_tz) as data_hora_tz,
                       a.numero_protocolo as protocolo
                  from {public}dfe_documentos a
                 where a.chave_acesso in {chaves} and a.especie = 'evento'
                   and a.status = 'registrado'
                   and (a.tipo_evento in ('110111', '101101')
                        or (a.tipo = 'eventoNFSe'
                            and a.tipo_evento in ('105102', '105104', '305101'))
                        or (a.tipo in ('eventoMDFe', 'retEventoMDFe')
                            and a.tipo_evento in ('110112', '310112')))
                 union all
                select a.chave_acesso, a.identificador, 1,
                       case when {dfe_rank_of_a} = 5 then 'encerrada' else 'cancelada' end,
                       case when a.identificador like 'consulta-%' then 4 else 3 end,
                       case when a.identificador like 'consulta-%' then 'consulta'
                            else 'protocolo' end,
                       case when a.identificador like 'consulta-%' then null
                            else a.data_hora_recebimento end,
                       case when a.identificador like 'consulta-%' then null
                            else a.data_hora_recebimento_tz end,
                       a.numero_protocolo
                  from {public}dfe_documentos a
                 where a.chave_acesso in {chaves} and a.especie in ('documento', 'protocolo')
                   and a.tipo <> 'NFSe' and {dfe_rank_of_a} in (5, 6)) as w) as c
 where c.number = 1 and d.especie = 'documento' and d.chave_acesso = c.chave_acesso
   and (coalesce(d.status, '') <> c.status
        or c.place < case d.fonte_cancelamento
                          when 'evento' then 1
                          when 'cancCTe' then 2
                          when 'protocolo' then 3
                          when 'consulta' then 4
                          else 9 end
        or (c.fonte = d.fonte_cancelamento
            and d.protocolo_cancelamento is null and c.protocolo is not null))
