            v_sequence := pg_get_serial_sequence('public.{table}', 'id')::regclass;
            v_{table} := array(select case when v_act[n] in ('insert', 'supersede')
                                           then nextval(v_sequence) end
                                 from unnest(v_n) with ordinality as e (n, ord) order by ord);
