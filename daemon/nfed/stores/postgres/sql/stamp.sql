-- dhEmi in UTC of the newest stored note of a company `e` in a role. Where nothing tells its offset any
-- more, it counts as late as it can be in the country.
select to_char(coalesce(n.data_hora_emissao_tz at time zone 'UTC',
                        n.data_hora_emissao - coalesce(
                            substring(left(n.xml_completo, 8192) from '<dhEmi>' || to_char(
                                n.data_hora_emissao, 'YYYY-MM-DD"T"HH24:MI:SS'
                            ) || '([+-][01][0-9]:[0-5][0-9])</dhEmi>'), '-05:00')::interval),
               'YYYY-MM-DD"T"HH24:MI:SS"Z"') as issued
  from public.notas_fiscais n
 where n.{papel}_id = e.id and isfinite(n.data_hora_emissao)
 order by n.data_hora_emissao desc limit 1
