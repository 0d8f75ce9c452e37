case when coalesce({codigo_status}, '') = ''
     then case when coalesce({numero_protocolo}, '') = '' then 0 else 2 end
     when {answered} = 'evento'
     then case when {codigo_status} in ('101', '102', '134', '135', '136', '151', '155') then 3
               else 1 end
     when {codigo_status} in ('101', '135', '136', '151', '155') then 6
     when {codigo_status} in ('103', '132') and {answered} = 'mdfe' then 5
     when {codigo_status} in ('110', '301', '302', '303') then 4
     when {codigo_status} in ('100', '150') then 3
     else 1
end
