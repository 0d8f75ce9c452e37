    v_{table} := array(
        select t.id from public.{table} t where t.{link} = any (v_{parent}));
