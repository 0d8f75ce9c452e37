"""The commands as typer's, whose help and errors are in the language spoken.

Plain text: rich's markup would eat the [api] of nfed[api], and frames break what one copies.
"""

import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from nfed.cli.exits import code_for, complain, first
from nfed.cli.loading import speak_early, take_chosen
from nfed.errors import NfedError
from nfed.words import Message, recognise, said, word

SENTENCES = (
    "Show this message and exit.",
    "Install completion for the current shell.",
    "Show completion for the current shell, to copy it or customize the installation.",
    "Missing argument {name}.",
    "Missing option {name}.",
    "Missing command.",
    "No such command {name}. Did you mean {other}?",
    "No such command {name}.",
    "No such option: {name} Did you mean {other}?",
    "No such option: {name}",
    "Option {name} requires an argument.",
    "Option {name} does not take a value.",
    "Got unexpected extra argument ({value})",
    "Got unexpected extra arguments ({values})",
    "Invalid value for {name}: {reason}",
    "Invalid value: {reason}",
    "Path {path} does not exist.",
    "File {path} does not exist.",
    "File {path} is a directory.",
    "{value} is not in the range {limits}.",
    "{value} is not a valid int.",
    "{value} is not a valid integer.",
)
"""Of typer and click."""


_EVERYWHERE = (
    ("--config FILE", Message("Settings of this file, in place of nfed.toml.")),
    ("--instance NAME", Message("Settings of the service nfed@NAME.")),
)
"""Options of every command; `loading` takes them."""


class _Spoken:
    """Formats a command's help; mixed into typer's classes."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Usage: nfed import [OPTIONS] PATH..."""
        pieces = " ".join(self.collect_usage_pieces(ctx))  # type: ignore[attr-defined]  # click's
        pieces = pieces.replace("[OPTIONS]", said("[OPTIONS]"))
        pieces = pieces.replace("COMMAND [ARGS]...", said("COMMAND [ARGS]..."))
        formatter.write_usage(ctx.command_path, pieces, prefix=said("Usage: "))

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Its docstring."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(word(self.help or ""))  # type: ignore[attr-defined]  # click's

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, options, and for a group the commands."""
        arguments: list[tuple[str, str]] = []
        options: list[tuple[str, str]] = []
        for each in self.get_params(ctx):  # type: ignore[attr-defined]  # click's
            record = each.get_help_record(ctx)
            if record is not None:
                plain = getattr(each, "help", None) or ""
                rows = arguments if each.param_type_name == "argument" else options
                rows.append((record[0], record[1].replace(plain, word(plain))))
        if arguments or options:
            options += [(name, word(meaning)) for name, meaning in _EVERYWHERE]
        commands = [
            (name, word(each.help or "").partition("\n\n")[0].replace("\n", " "))
            for name, each in getattr(self, "commands", {}).items()
            if not each.hidden
        ]
        for title, rows in (
            (said("Arguments"), arguments),
            (said("Options"), options),
            (said("Commands"), commands),
        ):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Examples as they are to be typed, line by line; other paragraphs as text."""
        epilog = word(self.epilog or "")  # type: ignore[attr-defined]  # click's
        for paragraph in filter(None, epilog.split("\n\n")):
            formatter.write_paragraph()
            if "\n$ " in paragraph:
                formatter.write("".join(f" {line}\n" for line in paragraph.splitlines()))
            else:
                with formatter.indentation():
                    formatter.write_text(paragraph.replace("\n", " "))


class _Leaf(_Spoken, TyperCommand):
    """A command that does something."""


class _Group(_Spoken, TyperGroup):
    """A command of commands."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs it; a wrong usage is said in the language spoken, exit code 2."""
        if not kwargs.get("standalone_mode", True):
            return super().main(*args, **kwargs)
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except typer.Abort:
            sys.exit(1)
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            _say_usage_error(error)
            sys.exit(getattr(error, "exit_code", 2))
        sys.exit(code if isinstance(code, int) else 0)


def _say_usage_error(error: Any) -> None:
    context = error.ctx
    lines = []
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        lines = [message]
    else:
        if context is not None:
            lines.append(context.get_usage())
            help_ = f"{context.command_path} {context.help_option_names[0]}"
            lines.append(said("Try '{command}' for help.", command=help_))
        reason = word(recognise(message, SENTENCES))
        lines += ["", said("Error: {reason}", reason=reason)]
    sys.stderr.write("\n".join(lines) + "\n")


class Command(typer.Typer):
    """A typer app that answers nfed's own errors with one line on stderr and the exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            cls=_Group,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help"]},
            **settings,
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:
        """See typer."""
        return super().command(name, cls=_Leaf, **settings)

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Runs it, under one name however it was started."""
        try:
            left = take_chosen(sys.argv[1:] if not args and "args" not in kwargs else [])
            speak_early()
            if not args and "args" not in kwargs:
                kwargs = {"args": left, **kwargs}
            return super().__call__(*args, **{"prog_name": "nfed", **kwargs})
        except (NfedError, ExceptionGroup) as error:
            found = first(error)
            if found is None:
                raise
            complain(str(found))
            sys.exit(code_for(found))
