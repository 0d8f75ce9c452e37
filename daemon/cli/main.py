"""Every command of `nfed`: what it takes and what it says of itself.

The work is imported when it is asked for, so that --help and the shell's completion are quick.
"""

from pathlib import Path
from typing import Annotated

import typer

from daemon import __version__
from daemon.cli.exits import Command
from daemon.cli.output import escape_what_cannot_be_encoded

app = Command(
    name="nfed",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

db = typer.Typer(no_args_is_help=True, help="Make, look at and close the main database's schema.")
app.add_typer(db, name="db")

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
is not there; 2 usage; 75 try again later (database or folder busy); 78 bad
configuration; 130 Ctrl-C."""
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
    in this order; `nfed config` shows them all.
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
) -> None:
    """Watch the drop folder and import what arrives.

    Imported files go to done/, refused ones to failed/ with the reason beside
    them. Ctrl-C or SIGTERM finishes the running chunks; a second one gives up
    at once, losing nothing.
    """
    from daemon.cli import running

    raise typer.Exit(running.run(folder, database, once=once, http=http))


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

    Of a folder it takes what ends in .xml, a named file whatever its name.
    Files stay where they are without --move. Exit code 0: all imported or
    stored before; 1: some refused or left.
    """
    from daemon.cli import importing

    raise typer.Exit(importing.import_paths(paths, database, move=move))


@app.command(epilog=_example("nfed status", "nfed status --json | jq .folder.backlog"))
def status(
    folder: FolderOption = None, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Show backlog, daemon, database, jobs and refused files on one screen."""
    from daemon.cli import status as work

    work.say_status(folder, database, as_json=as_json)


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
    from daemon.cli import jobs as work

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
    from daemon.cli import retry as work

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
        from daemon.cli.check_files import check_files

        raise typer.Exit(check_files(files, database))
    from daemon.cli import check as work

    raise typer.Exit(work.check(folder, database))


@app.command(epilog=_example("nfed config", "nfed config --json"))
def config(
    folder: FolderOption = None, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Show every setting, its value and where it came from."""
    from daemon.cli.config import say_config

    say_config(folder, database, as_json=as_json)


@app.command(epilog=_example("nfed schema > dicionario.md"))
def schema() -> None:
    """Print the data dictionary as Markdown: tables, columns, types, XML paths."""
    from daemon.cli.dictionary import dictionary

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
        raise typer.BadParameter("say --user or --system")
    from daemon.cli import service

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
    from daemon.cli import db as work

    raise typer.Exit(work.migrate(database, dry_run=dry_run))


@db.command("status", epilog=_example("nfed db status", "nfed db status --json"))
def db_status(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Show the schema's version. Exit code 1: `nfed db migrate` has something to do."""
    from daemon.cli import db as work

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
    from daemon.cli import db as work

    typer.echo(work.sql(database, kind), nl=False)


@db.command("secure", epilog=_example("nfed db secure --dry-run"))
def db_secure(
    database: DatabaseOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say who loses what, and the SQL of it.")
    ] = False,
) -> None:
    """Close the tables to everyone whom no policy lets in (row level security).

    For a database that had its tables before nfed came; what nfed made is
    closed already. On Supabase anon then reads nothing, service_role works.
    """
    from daemon.cli import db as work

    raise typer.Exit(work.secure(database, dry_run=dry_run))
