(v_dated and {key} is not null or not v_dated and {key} is null)
   and {always}
   and {conditions}
   and ({after} is null or ({key}, {alias}.id) {beyond} ({after}, v_after_id))
   and (v_dated or v_after_id is null or {alias}.id {beyond} v_after_id)
   and ({last} is null or ({key}, {alias}.id) {within} ({last}, v_last_id))
   and (v_dated or v_last_id is null or {alias}.id {within} v_last_id)
