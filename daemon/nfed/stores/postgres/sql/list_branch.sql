    if v_order = '{order}' then
        return (
            select coalesce(jsonb_agg(page), jsonb_build_array())::text from (
{page}
            ) as page
        );
    end if;
