"""The table of events: the name in the code, the id and the sentence in the journal.

Names and ids are public. What an event means, and what to do about it, is said by the journal's
catalogs, deploy/nfed.catalog and deploy/nfed.pt_BR.catalog, which are written by hand: an entry in
each for every event here (`journalctl -x`; catalog(7)).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from nfed.core.escape import escaped


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the table of events."""

    message_id: str
    """32 hexadecimal digits, for ever the same: programs ask for MESSAGE_ID=."""
    sentence: str
    """With the entry's fields in braces."""

    def message(self, fields: Mapping[str, object]) -> str:
        """The sentence about these fields, on one line."""
        text = "".join(
            literal + ("" if name is None else _shown(fields.get(name)))
            for literal, name, _, _ in Formatter().parse(self.sentence)
        )
        return escaped(text)


EVENTS: dict[str, Event] = {
    # the service
    "daemon_started": Event(
        "18d17e9e2ef94b7d8face57db5913bd3", "watching {folder_path}, storing in {database}"
    ),
    "daemon_stopped": Event(
        "b5909a9ef8be4996a9f33048c4360fa6", "stopped; {folder_path} is no longer watched"
    ),
    "stopping": Event("d389d316b9b2436aa18267095c395756", "{signal}: {advice}"),
    "stopping_at_once": Event(
        "8bca678e7c1944b68403a4298c8d286a", "{signal} again: giving up at once"
    ),
    "settings_reloaded": Event(
        "d27cd880e9334b14ad660f093ffcd224", "settings read again; changed: {changed}"
    ),
    "settings_refused": Event(
        "881f0bb3c8ef4ba6a84cb57908408fbd", "settings refused, the old ones stay: {error}"
    ),
    "log_lines_dropped": Event(
        "348379f8e78c4c4cb242073c27e7d3fd",
        "{lines} log lines were dropped: nobody took them in time",
    ),
    "log_call_broken": Event(
        "4e836e8ca0634bee947ac7a3db4440f6", "a log call at {where} cannot be shown: {error_type}"
    ),
    "thread_broke": Event(
        "04615c73f2c3487b8e3874ad8d51ff07", "thread {thread} ended with {error_type}"
    ),
    "exception_ignored": Event(
        "823a6094b8bd4226bc68b49b2e71ed0e", "exception ignored in {where}: {error_type}"
    ),
    # jobs and their files
    "batch_processing_started": Event(
        "a5d8a353d2f74fbbbbe5a5bc60a6ae48", "job {job_id} started on {folder_path}"
    ),
    "batch_files_found": Event(
        "dbcebc409f034edeac55e21ab72b6a72", "job {job_id} has {total_files} files"
    ),
    "file_processed_successfully": Event(
        "ada85977811b4b6b9ce134218dd46080", "{file}: {outcome}, chave {chave}"
    ),
    "file_processing_failed": Event(
        "82690d81b81e4dba8011ffd5a5c4e21b", "{file} refused: {error_type}: {error}"
    ),
    "document_superseded": Event(
        "4d2f6f0c7d3b4f6c9a5e8b1c27d09e31",
        "{file} is superseded by {superseded_by}: the tax office accepted that one, chave {chave}",
    ),
    "archive_unpacked": Event(
        "ab12e2befcbc4dda8ce83c67c336aa95",
        "{file} unpacked: {members} members, {refused} refused, {ignored} left aside",
    ),
    "file_deferred": Event("9c3dac9282ad45c5bc399ce6bce78964", "{file} waits ({reason}): {detail}"),
    "file_left_alone": Event(
        "145bf63ee84a452598fb6554267a2f06", "{file} is left alone: {reason}; {advice}"
    ),
    "file_vanished_before_move": Event(
        "a67ad6a3ee7d4bf6af09352e9c041198", "{file} is gone from the folder; its document is stored"
    ),
    "file_move_failed": Event(
        "abb253dfa87e4b6c9d6b2e7bb89a2a62", "{file} cannot be put away: {error}"
    ),
    "file_taken_back": Event(
        "5a4f4e2fb0f9474c8be2f4c4a6b1de93",
        "{file} was written to after it was read; it is back from {target} and is read again",
    ),
    "batch_progress": Event(
        "5b23f8d1a0224b45bd3f63a409aed4e2",
        "job {job_id}: {processed}/{total} files, {failed} refused",
    ),
    "batch_processing_completed": Event(
        "ffb72e264f654411a968a65357d4899f",
        "job {job_id} completed: {successful} of {total} files in the database, {failed} refused, "
        "{duplicate} duplicates, in {duration_seconds} s",
    ),
    "batch_processing_cancelled": Event(
        "d230ae42152f438ca7caa49c0d963a36",
        "job {job_id} cancelled ({reason}): {successful} of {total} files in the database",
    ),
    "batch_processing_failed": Event(
        "be967cfb63854ed19fe7c7f7e8d99485", "job {job_id} failed: {reason}"
    ),
    "batch_processing_broke": Event(
        "65d9fb41e0524b88bd9fc5b267604529", "job {job_id} met a fault of nfed: {error}"
    ),
    "jobs_interrupted": Event(
        "75b22cf7951f4b2dbd75202161ba0f80", "{jobs} jobs were found running after a crash; {advice}"
    ),
    "worker_replaced": Event(
        "83c6f19c663e43a0bc2172be57628f2a", "a worker process was replaced: {error}"
    ),
    # the world around: database, ledger, folder
    "database_unavailable": Event(
        "8c71ad7c2c79457dba713de82ee212b2", "the database cannot be used: {error}; {advice}"
    ),
    "database_reachable_again": Event(
        "26f3ea8a432445fa81414798ae029bde", "the database can be used again"
    ),
    "database_wal_set_aside": Event(
        "88d2dec235dd4c87b7878ea64f66b936",
        "the -wal beside {path} is another database's and was kept as {kept_as}",
    ),
    "database_wal_removed": Event(
        "6b5f9fce045b456e940214acb689c35a",
        "somebody removed the -wal or -shm of {path}; nothing is lost, its {pages} pages are saved",
    ),
    "database_wal_overwritten": Event(
        "e13e0888a2b14c938ea7270ecfe6b17c",
        "somebody wrote over the -wal of {path}, or cut it off; nfed goes on with what is there",
    ),
    "schema_warning": Event(
        "c494396a9ced4e6fa0e23ebc43945b47",
        "the database was migrated with a reservation: {warning}",
    ),
    "ledger_unavailable": Event(
        "65c47d3db79d432bb0c3181a556b45ed", "the ledger cannot be written: {error}; {advice}"
    ),
    "ledger_reachable_again": Event(
        "3369f190dfb54707b457f200405f62c2", "the ledger can be written again"
    ),
    "ledger_damaged": Event(
        "dc8c95d1aafa40d2b6f82af31c2886f4",
        "the ledger is damaged and was kept as {kept_as}: {error}",
    ),
    "folder_unavailable": Event(
        "93d7473248a144f89a028506f043c83b", "the drop folder cannot be used: {error}; {advice}"
    ),
    "folder_available_again": Event(
        "013b8a8ea1a44e40a138962bd428196f", "the drop folder {folder_path} can be used again"
    ),
    "folder_replaced": Event(
        "295a01615bcf443f988be09524e50096",
        "another folder stands at {folder_path} now; it is watched",
    ),
    "watch_restarted": Event(
        "a156fb8272394a18b7fbbdefc7a0cb90", "the watch on the folder was started again: {error}"
    ),
    "inotify_unavailable": Event(
        "e0d6c4b1e6f84f6d9d3d7d1a3c0f5b27", "no events of the file system: {error}; {advice}"
    ),
    # the HTTP API, and what it is asked for
    "http_listening": Event("e6d8ac68eb1d4a4ebd2d9115c32cacaa", "HTTP API on {addresses}"),
    "http_request_broke": Event(
        "2f0e4a112b6742edb3aaa775cd85aa80", "an HTTP request to {path} broke"
    ),
    "page_acted": Event(
        "62d2da219a9a4064af27f65d5e5cdeef", "{user} on the page: {action} {files} {job_id}"
    ),
    "users_unfit": Event("7fb746132cda4f8a959759597bf25927", "nobody can log in by name: {error}"),
    "folder_job_failed": Event(
        "8125299853f14ec695ee9f2b20058dba", "job {job_id} could not run: {error}"
    ),
    "old_jobs_forgotten": Event(
        "83b52b6f725a48aa9aa3853c77807f31", "{jobs} old jobs were forgotten"
    ),
}


def _shown(value: object) -> str:
    match value:
        case None:
            return "?"
        case list() | tuple():
            return ", ".join(map(str, value))
        case bool() | str():
            return str(value)
        case int():
            return f"{value:,}"
        case _:
            return str(value)
