-- Of two writings of one document, the one that has come further prevails.
update {public}{head} as d
   set {columns}
  from {row} as r
 where d.id = {id}
