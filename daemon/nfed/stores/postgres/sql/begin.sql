begin isolation level read committed;
set local search_path = public, pg_temp;
set local statement_timeout = {milliseconds};
set local idle_in_transaction_session_timeout = {milliseconds}
