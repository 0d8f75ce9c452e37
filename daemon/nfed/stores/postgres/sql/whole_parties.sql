             union all
            select 'empresas', (
                select json_agg(json_strip_nulls(row_to_json(t)))
                  from public.empresas t
                 where t.id in (select unnest(array[n.emitente_id, n.destinatario_id])
                                  from public.notas_fiscais n
                                 where n.id = any (v_notas_fiscais)))
