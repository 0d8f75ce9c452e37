                if v_each.head = '{head}' and v_each.supersedes then
{supersession};
                end if;
