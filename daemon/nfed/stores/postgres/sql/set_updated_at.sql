create or replace function public.nfed_set_updated_at() returns trigger
    language plpgsql set search_path = '' as
$$
begin
    new.updated_at := now() at time zone 'utc';
    return new;
end
$$
