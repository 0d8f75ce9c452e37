             union all
            select '{table}', (
                select json_agg(json_strip_nulls(row_to_json(t)) order by t.id)
                  from public.{table} t where t.{link} = any (v_{parent}))
