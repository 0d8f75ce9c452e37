"""Lists the files of one note's way, from the drop to done/ with SQLite, in reading order.

`python -m tools.reading` prints each with its lines, and what they come to.
"""

from pathlib import Path

SOURCE = Path(__file__).parents[1] / "daemon" / "nfed"

WAY = {
    "service/run.py": "starts the daemon, and ends it with an exit code",
    "service/session.py": "one set of settings: opens the ports, watches, runs the pipeline",
    "wiring.py": "composes store, ledger, workers and their guards",
    "intake/__init__.py": "theory: the disk's edge",
    "intake/watcher.py": "an event of the file system says: look now",
    "flow/__init__.py": "theory: order and concurrency",
    "flow/pipeline.py": "scans, lets files settle, batches them, runs one job at a time",
    "intake/folder.py": "names what lies in the drop folder; holds its lock",
    "intake/left_alone.py": "says why something is not taken, and what to do",
    "core/__init__.py": "theory: what is decided without touching anything",
    "core/arrival.py": "Arrival and Window: what has settled, when a batch is due",
    "core/escape.py": "makes text harmless to whatever shows it",
    "core/waiting.py": "Waiting: files that stay, and when they are tried again",
    "core/job.py": "Job: the record of a batch, and its moves",
    "flow/jobs.py": "makes jobs, keeps those that clients were promised",
    "flow/processor.py": "runs a job: read, store, record, put away",
    "flow/chunks.py": "cuts a batch into chunks; three strikes for what kills workers",
    "core/ports.py": "what the flow asks of the world",
    "flow/guard.py": "opens a port, tries it again, knows since when it is away",
    "workers/__init__.py": "theory: reading in processes of their own",
    "workers/pool.py": "gives a chunk to a worker process and waits for its answer",
    "workers/process.py": "what runs in the worker process",
    "workers/members.py": "what a worker is asked about archives",
    "workers/durable.py": "has the disk hold the files before they are read",
    "workers/read.py": "reads files by slices, hashes each, makes a Reading",
    "documents/__init__.py": "theory and front door: bytes to Documents",
    "documents/steps.py": "takes several files through the same steps together",
    "documents/xml/parse.py": "parses bytes into a tree, trusting nobody",
    "documents/xml/encodings.py": "decides by the bytes where the declared encoding is wrong",
    "documents/xml/find.py": "finds the documents in the tree",
    "documents/kinds/nota.py": "makes the Document of a note and its protocol",
    "documents/kinds/head.py": "the row that a document is known by",
    "documents/rows/__init__.py": "theory: tree to rows",
    "documents/rows/extract.py": "one pass over the tree fills rows; `walk.pyx` is it, compiled",
    "documents/rows/plan.py": "the layout as a trie of element names",
    "documents/rows/values.py": "text to a column's value",
    "documents/layout/__init__.py": "theory: the table of tables",
    "documents/layout/columns.py": "kinds of columns, Column, Table",
    "documents/layout/nota.py": "the note's own tables",
    "documents/layout/grupos.py": "transport, payment, remarks",
    "documents/layout/itens.py": "items",
    "documents/layout/impostos.py": "an item's taxes",
    "documents/checks/__init__.py": "theory: Policy, Checks, Finding",
    "documents/checks/xsd.py": "the official XSD, by libxml2",
    "documents/checks/key.py": "the chave, and the check digits of CPF and CNPJ",
    "documents/checks/note.py": "the other checks of a note, each by its policy",
    "documents/checks/signature.py": "digest, RSA signature, certificate",
    "documents/checks/canonical.py": "the bytes that are signed",
    "documents/checks/totals.py": "items against totals",
    "documents/checks/amounts.py": "cents, and where amounts stand in rows",
    "documents/checks/payments.py": "instalments and payments against the total",
    "documents/checks/formats.py": "the form of numbers and codes",
    "documents/standing.py": "what a cStat means: status, rank, what is accepted",
    "documents/document.py": "Document, ready to store",
    "stores/sqlite/store.py": "one transaction a chunk, synchronous=FULL",
    "stores/chunk.py": "what becomes of a chunk's documents",
    "core/outcome.py": "verdict, Outcome, and the folder that each goes to",
    "stores/sqlite/write.py": "rows into tables",
    "stores/sql.py": "reads the .sql files that lie beside the modules",
    "stores/relations/__init__.py": "what one document does to another",
    "sqlite/__init__.py": "theory: SQLite files and what may happen to them",
    "sqlite/connections.py": "connections, transactions, faults",
    "sqlite/watched.py": "watches the database's files while they are open",
    "sqlite/wal.py": "tells whether a -wal belongs to its main file",
    "ledger/history.py": "writes jobs and fates",
    "intake/shelves.py": "puts the file into done/ or failed/, and syncs",
    "intake/moved.py": "moves it, and takes back what was written to after it was read",
    "intake/rename.py": "renames and never overwrites",
    "intake/strikes.py": "remembers which files killed a worker",
    "documents/xml/unsupported.py": "names fiscal documents that nfed does not import",
    "documents/xml/libxml2.py": "knows libxml2's sentences, so that they can be translated",
    "errors.py": "errors, sorted by what happens next",
    "words/__init__.py": "theory: sentences for people, in English or Portuguese",
    "words/message.py": "Message: a sentence that remembers its template and facts",
    "words/foreign.py": "knows libraries' sentences, so that they can be translated",
    "words/catalogue.py": "words messages by the catalogue of gettext",
}
"""By path: what it does for the note."""


def reading_list() -> str:
    """The way as a numbered list in Markdown."""
    return "\n".join(
        f"{number}. [`{path}`](../daemon/nfed/{path}): {what}"
        for number, (path, what) in enumerate(WAY.items(), 1)
    )


def lines_of(path: str) -> int:
    """How many lines the file has."""
    return len((SOURCE / path).read_text("utf-8").splitlines())


def main() -> None:
    """Prints the way."""
    for path, what in WAY.items():
        print(f"{lines_of(path):5}  {path:32} {what}")
    print(f"{sum(map(lines_of, WAY)):5}  lines in {len(WAY)} files")


if __name__ == "__main__":
    main()
