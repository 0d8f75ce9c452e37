-- Sums what a list shows, of as many notes as the walked index may give.
with andadas as (
  select n.id
    from {public}notas_fiscais n
   where {walked}
   limit {most_scanned} + 1
)
select (select count(*) from andadas) as andadas, count(*) as notas,
       nfed_sum(n.valor_total_nota) as total,
       count(case when n.status = 'autorizada' then 1 end) as autorizadas,
       nfed_sum(case when n.status = 'autorizada' then n.valor_total_nota end) as total_autorizadas
  from andadas a
  join {public}notas_fiscais n on n.id = a.id
 where {rest}
