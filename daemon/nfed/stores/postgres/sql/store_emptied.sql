            delete from public.{table} c
             where c.{link} in (
                       select v_id[ord]
                         from jsonb_array_elements(v_documents)
                              with ordinality as e (value, ord)
                        where value ->> 'head' = '{head}' and v_act[ord] = 'update'
                          and v_new_content[ord]);
