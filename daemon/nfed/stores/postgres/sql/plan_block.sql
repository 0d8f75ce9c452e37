do $nfed$
declare
    nfed_statements text[];
    nfed_statement text;
begin
    -- All of them first: what has begun to run changes what the catalogue says.
    select array_agg(statement) into nfed_statements from (
{plan}
    ) as plan;
    foreach nfed_statement in array coalesce(nfed_statements, array[]::text[]) loop
        execute nfed_statement;
    end loop;
end
$nfed$;
