            v_p := array(select jsonb_array_elements_text(v_part -> 'p')::int);
