-- A page of ranges of numbers, which are few.
select u.*
  from (select u.id
          from {public}nf_inutilizacoes u
         where {where}
         order by {key} {direction}, u.id {direction}
         limit {limit} offset {offset}) as chosen
  join {public}nf_inutilizacoes u on u.id = chosen.id
 order by {key} {direction}, u.id {direction}
