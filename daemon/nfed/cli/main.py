"""Declares every command of `nfed`: its arguments, its options, its help.

The work is imported when it is asked for, so that --help and the shell's completion are quick.
"""

from pathlib import Path
from typing import Annotated

import typer

from nfed import __version__
from nfed.cli.command import Command
from nfed.cli.output import escape_what_cannot_be_encoded
from nfed.words import said

app = Command(name="nfed")

db = Command(help="Make, look at and close the main database's schema.")
app.add_typer(db, name="db")
user = Command(help="Say who may log in to the page, and what each may do there.")
app.add_typer(user, name="user")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name to log in with.")]

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="DIR", readable=False, help="The drop folder, instead of xml_folder."
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="The database, instead of database_url."),
]
EmpresaOption = Annotated[
    str | None,
    typer.Option("--empresa", metavar="CNPJ", help="A company's CNPJ or CPF; without it, all."),
]
RoleOption = Annotated[
    str | None,
    typer.Option(
        "--role", metavar="ROLE", help="emitente or destinatario: what it is in the note."
    ),
]
MesOption = Annotated[
    str | None, typer.Option("--mes", metavar="AAAA-MM", help="Issued in this month.")
]
DeOption = Annotated[
    str | None, typer.Option("--de", metavar="AAAA-MM-DD", help="Issued on this date or later.")
]
AteOption = Annotated[
    str | None, typer.Option("--ate", metavar="AAAA-MM-DD", help="Issued on this date or earlier.")
]
StatusOption = Annotated[
    str | None,
    typer.Option("--status", metavar="STATUS", help="autorizada, cancelada, denegada, …"),
]
ModeloOption = Annotated[
    str | None, typer.Option("--modelo", metavar="NN", help="55 (NF-e), 65 (NFC-e), 57 (CT-e), …")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


def _example(*lines: str) -> str:
    return "\n".join(["Example:", *(f"$ {line}" for line in lines)])


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"nfed {__version__}")
        raise typer.Exit


@app.callback(
    epilog=_example("nfed run", "nfed import ~/notas --move", "nfed COMMAND --help")
    + """

Exit codes: 0 all went well; 1 some files were refused, or what was asked for
is not there; 2 usage; 75 try again later (database or folder not available
now); 78 bad configuration; 130 Ctrl-C."""
)
def nfed(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Say the version and exit."
        ),
    ] = False,
) -> None:
    """Imports Brazilian fiscal XML into a database, exactly once.

    Settings come from options, the environment (NFED_…), .env and nfed.toml,
    in this order; `nfed config` shows them all. Every command takes --config
    FILE in place of nfed.toml, and --instance NAME for the service nfed@NAME.
    """
    escape_what_cannot_be_encoded()


@app.command(
    epilog=_example(
        "nfed run --folder /srv/xml --database sqlite:////srv/nfed.db",
        "nfed run --http 127.0.0.1:8055",
    )
)
def run(
    folder: FolderOption = None,
    database: DatabaseOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Import what is there, then stop (exit 0).")
    ] = False,
    http: Annotated[
        str | None,
        typer.Option(
            "--http", metavar="HOST:PORT", help="Also answer HTTP there (needs nfed[api])."
        ),
    ] = None,
    create: Annotated[
        bool, typer.Option("--create", help="Make the drop folder where it does not exist.")
    ] = False,
) -> None:
    """Watch the drop folder and import what arrives.

    Imported files go to done/, refused ones to failed/ with the reason beside
    them. Ctrl-C or SIGTERM finishes the running chunks; a second one gives up
    at once, losing nothing.
    """
    from nfed.cli import running

    raise typer.Exit(running.run(folder, database, once=once, http=http, create=create))


@app.command(
    "import", epilog=_example("nfed import ~/notas nota.xml", "nfed import ~/notas --move")
)
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", exists=True, readable=False, help="Files, or folders of them."
        ),
    ],
    database: DatabaseOption = None,
    move: Annotated[
        bool,
        typer.Option("--move", help="Put files away in done/ and failed/ beside them."),
    ] = False,
) -> None:
    """Import files or folders now, in the foreground.

    Of a folder it takes XML files and archives (.xml, .zip, .gz), a named file
    whatever its name. Files stay where they are without --move. Exit code 0: all imported or
    stored before; 1: some refused or left.
    """
    from nfed.cli import importing

    raise typer.Exit(importing.import_paths(paths, database, move=move))


@app.command(epilog=_example("nfed status", "nfed status --json | jq .folder.backlog"))
def status(
    folder: FolderOption = None, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Show backlog, daemon, database, jobs and refused files on one screen."""
    from nfed.cli import status as work

    raise typer.Exit(work.say_status(folder, database, as_json=as_json))


@app.command(epilog=_example("nfed jobs", "nfed jobs 20261123-1830"))
def jobs(
    job_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="A job's id, or how it begins.")
    ] = None,
    database: DatabaseOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many jobs.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show the history of jobs, or one job with its errors."""
    from nfed.cli import jobs as work

    raise typer.Exit(work.jobs(job_id, database, limit=limit, as_json=as_json))


@app.command(epilog=_example("nfed retry nota.xml", "nfed retry --all"))
def retry(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Names in failed/, or paths to files there."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All refused files.")] = False,
    folder: FolderOption = None,
) -> None:
    """Put refused files back into the drop folder."""
    from nfed.cli import retry as work

    if bool(files) == everything:
        context.fail("expected either FILE... or --all")
    raise typer.Exit(work.retry(files or [], folder))


@app.command(epilog=_example("nfed check", "nfed check nota.xml"))
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=False,
            help="Say what an import would do with these, importing nothing.",
        ),
    ] = None,
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Check that nfed can work here, or what it would do with files.

    Without files: configuration, folder, free space, limits, database and
    schema, each ok or what to do about it. Exit code 1: something has to be
    done, or a file would be refused.
    """
    if files:
        from nfed.cli.check_files import check_files

        raise typer.Exit(check_files(files, database))
    from nfed.cli import check as work

    raise typer.Exit(work.check(folder, database))


@app.command(
    epilog=_example(
        "nfed export xml --empresa 11222333000181 --mes 2026-11 -o novembro.zip",
        "nfed export itens --mes 2026-11 --role emitente -o itens.xlsx",
    )
)
def export(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="notas, itens, eventos, documentos or xml.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file; - for stdout.")
    ],
    empresa: EmpresaOption = None,
    role: RoleOption = None,
    mes: MesOption = None,
    de: DeOption = None,
    ate: AteOption = None,
    status: StatusOption = None,
    modelo: ModeloOption = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help="One of those above; without it, by FILE's suffix."
        ),
    ] = None,
    locale: Annotated[
        str,
        typer.Option(
            "--locale", metavar="NAME", help="Of csv: pt-BR (1234,56; 31/01/2026), or C (1234.56)."
        ),
    ] = "pt-BR",
    by_month: Annotated[
        bool, typer.Option("--by-month", help="Of parquet: a folder, divided by month of issue.")
    ] = False,
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Take out what is stored: spreadsheets, or a month's XML as a zip.

    notas, itens, eventos, documentos (CT-e and the rest): csv, xlsx, jsonl or
    parquet (needs nfed[parquet]).
    xml: a zip with each XML as it was imported, events beside their notes, and
    MANIFESTO.csv. The same question gives the same bytes.
    """
    from nfed.cli import exporting

    chosen = exporting.Chosen(empresa, role, mes, de, ate, status, modelo)
    raise typer.Exit(
        exporting.export(
            what,
            chosen,
            form,
            locale,
            output,
            by_month=by_month,
            folder=folder,
            database=database,
        )
    )


@app.command(
    epilog=_example(
        "nfed danfe 35261111222333000181550010000000011000000012 -o nota.pdf",
        "nfed danfe --empresa 11222333000181 --mes 2026-11 --one-pdf -o novembro.pdf",
    )
)
def danfe(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A folder, one PDF a document; of one CHAVE, or with --one-pdf, a file.",
        ),
    ],
    chaves: Annotated[
        list[str] | None, typer.Argument(metavar="CHAVE", help="Keys of documents.")
    ] = None,
    empresa: EmpresaOption = None,
    role: RoleOption = None,
    mes: MesOption = None,
    de: DeOption = None,
    ate: AteOption = None,
    status: StatusOption = None,
    modelo: ModeloOption = None,
    one_pdf: Annotated[bool, typer.Option("--one-pdf", help="All of them in one file.")] = False,
    layout: Annotated[
        str,
        typer.Option(
            "--layout", metavar="NAME", help="Of NF-e: auto (by day of issue), moc, nt-2026-010."
        ),
    ] = "auto",
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Print DANFE and its kin as PDF (needs nfed[danfe]).

    NF-e, NFC-e, CT-e, MDF-e and NFS-e nacional. A cancelled one bears that, a
    carta de correção stands below its note. What cannot be printed is named,
    with the reason; the exit code is then 1.
    """
    from nfed.cli import exporting

    chosen = exporting.Chosen(empresa, role, mes, de, ate, status, modelo)
    if not chaves and chosen == exporting.Chosen():
        context.fail("expected CHAVE..., or what chooses documents, such as --mes")
    raise typer.Exit(
        exporting.danfe(
            chaves or [],
            chosen,
            layout,
            output,
            one_pdf=one_pdf,
            folder=folder,
            database=database,
        )
    )


@app.command(epilog=_example("nfed deliver contador"))
def deliver(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A [[delivery]] of nfed.toml.")],
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Give a recipient the XML that is new, and that has changed since.

    Each delivery is a numbered zip or folder with a MANIFESTO.csv that says of
    each note whether it is nova or alterada (cancelled, corrected, authorised
    since). A second one right after it is empty. Killed at any moment, the
    next call goes on: nothing is left out, nothing is given twice.
    """
    from nfed.cli import delivering

    raise typer.Exit(delivering.run(name, folder=folder, database=database))


@app.command(epilog=_example("nfed config", "nfed config --json"))
def config(
    folder: FolderOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    check: Annotated[
        bool, typer.Option("--check", help="Say nothing where they can be used, else exit 78.")
    ] = False,
) -> None:
    """Show every setting, its value and where it came from."""
    from nfed.cli.config import check_config, say_config

    if check:
        check_config(folder, database)
    else:
        say_config(folder, database, as_json=as_json)


@app.command(epilog=_example("nfed schema > dicionario.md"))
def schema() -> None:
    """Print the data dictionary as Markdown: tables, columns, types, XML paths."""
    from nfed.cli.dictionary import dictionary

    typer.echo(dictionary(), nl=False)


@app.command(
    "install-service",
    epilog=_example(
        "nfed install-service --user", "sudo nfed install-service --system", "systemctl start nfed"
    ),
)
def install_service(
    user: Annotated[
        bool | None,
        typer.Option("--user/--system", help="For you alone, or for the machine (needs root)."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be written and said.")
    ] = False,
) -> None:
    """Write the systemd unit for an nfed that uv or pipx has installed.

    The Debian package brings its own. Settings are read from /etc/nfed, or with
    --user from ~/.config/nfed; an nfed.toml that is there stays as it is.
    """
    if user is None:
        raise typer.BadParameter(said("say --user or --system"))
    from nfed.cli import service

    raise typer.Exit(service.install_service(user=user, dry_run=dry_run))


@db.command(
    "migrate", epilog=_example("nfed db migrate --dry-run", "nfed db migrate --database URL")
)
def db_migrate(
    database: DatabaseOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL instead.")] = False,
) -> None:
    """Bring the schema to the newest version, in one transaction.

    Only adds, widens and relaxes; views keep their definition, owner and
    grants. `nfed run` does the same at its start.
    """
    from nfed.cli import db as work

    raise typer.Exit(work.migrate(database, dry_run=dry_run))


@db.command("status", epilog=_example("nfed db status", "nfed db status --json"))
def db_status(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Show the schema's version. Exit code 1: `nfed db migrate` has something to do."""
    from nfed.cli import db as work

    raise typer.Exit(work.status(database, as_json=as_json))


@db.command(
    "sql",
    epilog=_example("nfed db sql --for postgresql > supabase/migrations/20261123190000_nfed.sql"),
)
def db_sql(
    database: DatabaseOption = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="KIND",
            help="postgresql (Supabase too) or sqlite, not by the settings.",
        ),
    ] = None,
) -> None:
    """Print the whole schema as SQL, for Supabase's SQL editor or its CLI.

    One transaction, which may be run again and again; no database is asked.
    """
    from nfed.cli import db as work

    typer.echo(work.sql(database, kind), nl=False)


@db.command("refill", epilog=_example("nfed db refill"))
def db_refill(database: DatabaseOption = None) -> None:
    """Fill the tables of CT-e, MDF-e, NFS-e and their like from stored XML.

    For documents that were stored before those tables were there. It says how
    far it is, may be stopped, and goes on where it was; the daemon may run.
    """
    from nfed.cli import db as work

    raise typer.Exit(work.refill(database))


@db.command("secure", epilog=_example("nfed db secure --dry-run"))
def db_secure(
    database: DatabaseOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say who loses what, and the SQL of it.")
    ] = False,
) -> None:
    """Close the tables to everyone that no policy lets in (row level security).

    For a database that had its tables before nfed came; what nfed made is
    closed already. On Supabase anon then reads nothing, service_role works.
    """
    from nfed.cli import db as work

    raise typer.Exit(work.secure(database, dry_run=dry_run))


@user.command("add", epilog=_example("nfed user add Ana --role operar"))
def user_add(
    name: NameArgument,
    role: Annotated[
        str,
        typer.Option(
            "--role", metavar="ROLE", help="ver: look; operar: also send, retry, dismiss, cancel."
        ),
    ] = "ver",
) -> None:
    """Add somebody; the password is asked for, or is the first line of the input."""
    from nfed.cli import users as work

    raise typer.Exit(work.add(name, role))


@user.command("password", epilog=_example("nfed user password Ana"))
def user_password(name: NameArgument) -> None:
    """Give somebody another password, which ends all sessions of that name."""
    from nfed.cli import users as work

    raise typer.Exit(work.password(name))


@user.command("remove", epilog=_example("nfed user remove Ana"))
def user_remove(name: NameArgument) -> None:
    """Take somebody out, which ends all sessions of that name."""
    from nfed.cli import users as work

    raise typer.Exit(work.remove(name))


@user.command("list", epilog=_example("nfed user list"))
def user_list() -> None:
    """Name everybody, with the role."""
    from nfed.cli import users as work

    raise typer.Exit(work.show())
