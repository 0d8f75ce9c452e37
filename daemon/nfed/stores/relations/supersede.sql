-- Puts a document that the tax office accepted in the place of one under its key that never was. What is
-- known of a cancellation is about the key, and stays.
update {public}{head} as d
   set {columns}
  from {row} as r
 where d.id = {id}
