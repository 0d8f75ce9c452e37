                if v_each.head = '{head}' and v_each.prevails and not v_each.supersedes then
{prevailing};
                elsif v_each.head = '{head}' and not v_each.supersedes then
{filling};
                end if;
