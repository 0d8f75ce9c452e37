        if v_rows ? '{table}' then
            v_part := v_rows -> '{table}';
            v_n := array(select jsonb_array_elements_text(v_part -> 'n')::int);
            {above}
            {numbers}
            -- The rows of a function come in order, and so do the ids that the table itself gives.
            insert into public.{table} ({names})
            select {values}
              from jsonb_populate_recordset(
                       jsonb_populate_record(null::public.{table}, v_zeros -> '{table}'),
                       v_part -> 'rows') with ordinality as r
             where {condition};
        end if;
