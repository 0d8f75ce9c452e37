"""Brings the catalogue of nfed's words up to date with the sources: new sentences without their
Portuguese, those that went out.

`python -m tools.catalogue` writes the .po and its .mo, and names what has no Portuguese yet.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import typer.main

from nfed import errors
from nfed.cli import app, command
from nfed.documents.checks.codes import CODES
from nfed.documents.xml import libxml2
from nfed.web import answers, causes, config, filters, guide, jobs, note, now, summary
from nfed.words import foreign, po
from nfed.workers import containers

SOURCE = Path(__file__).parents[1] / "daemon" / "nfed"
CATALOGUE = SOURCE / "words" / "locale" / "pt_BR" / "LC_MESSAGES" / "nfed.po"
HEADER = po.PoEntry(
    "",
    None,
    [
        (
            "Project-Id-Version: nfed\nLanguage: pt_BR\nMIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
            "Plural-Forms: nplurals=2; plural=(n != 1);\n"
        )
    ],
    ["# The words of nfed in Portuguese of Brazil. `python -m tools.catalogue` adds what is new."],
)
MAKERS = ("Message", "said")
ERRORS = {
    *(name for name, kind in vars(errors).items() if inspect.isclass(kind)),
    *("LedgerDamaged", "UnreadableError", "WorkerCrashed", "_FormError", "BadParameter"),
}
SAYERS = {"say", "complain", "add_row", "table"}
TWO_WORDS = re.compile(r"[a-z]{2,}[,:;.]? [a-z]{2,}", re.IGNORECASE)
LIBXML2 = "documents/xml/libxml2.py"

SAID_BY_TEMPLATES = re.compile(r"""\b(?:_|n_)\(\s*("[^"]*"|'[^']*')(?:,\s*("[^"]*"|'[^']*'))?""")

type Sentence = tuple[str, str | None]
"""The msgid, and its plural."""


def sentences() -> dict[Sentence, str]:
    """Every sentence that the sources hold, with where it is said first."""
    found: dict[Sentence, str] = {}
    ways = (_of_calls, _of_errors, _of_commands, _of_libraries, _of_page)
    for where, each in (pair for way in ways for pair in way()):
        found.setdefault(each, where)
    return found


def _of_calls() -> Iterator[tuple[str, Sentence]]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        if name.startswith("words/"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and name_of(node.func) in MAKERS:
                texts = [ast.literal_eval(each) for each in node.args]
                yield name, (texts[0], texts[1] if len(texts) > 1 else None)


def name_of(function: ast.expr) -> str:
    """The last name of what is called."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _of_errors() -> Iterator[tuple[str, Sentence]]:
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, errors.DocumentError):
            yield "errors.py", (kind.advice, None)


def _of_commands() -> Iterator[tuple[str, Sentence]]:
    for each in commands(typer.main.get_command(app)):
        for text in (each.help, each.epilog, *(getattr(one, "help", None) for one in each.params)):
            if text:
                yield "cli/main.py", (text, None)


def commands(top: Any) -> Iterator[Any]:
    """A command and all below it."""
    yield top
    for each in getattr(top, "commands", {}).values():
        yield from commands(each)


def _of_libraries() -> Iterator[tuple[str, Sentence]]:
    for where, sentences in (
        (LIBXML2, libxml2.SENTENCES),
        ("cli/command.py", command.SENTENCES),
        ("words/foreign.py", foreign.SYSTEM),
        ("workers/containers.py", containers.SENTENCES),
    ):
        for each in sentences:
            yield where, (each, None)


def _of_page() -> Iterator[tuple[str, Sentence]]:
    """Of templates, and of the tables whose words templates show."""
    for path in sorted((SOURCE / "web" / "templates").iterdir()):
        for found in SAID_BY_TEMPLATES.findall(path.read_text("utf-8")):
            one, many = found
            sentence = ast.literal_eval(one), ast.literal_eval(many) if many else None
            yield f"web/templates/{path.name}", sentence
    for each in (
        *(label for _, _, label in answers.SCREENS),
        *now.WAITS_FOR.values(),
        *causes.SENTENCES.values(),
        *CODES.values(),
        *jobs.STATES.values(),
        *(label for _, label in jobs.OUTCOMES.values()),
        *filters.ROLES.values(),
        *filters.ENVIRONMENTS.values(),
        *filters.ORDERS.values(),
        *summary.ROLES.values(),
        *summary.KINDS.values(),
        *(title for title, _ in note.SECTIONS),
        *config.ORIGINS,
        *(text for _, _, text in guide.HELP),
    ):
        yield "web", (each, None)
    for one, many in answers.NOTICES.values():
        yield "web", (one, many)


def plain() -> list[str]:
    """Names sentences for people that are plain text, which nobody can translate."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        if name.startswith("words/"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                found += [f"{name}:{each.lineno}: {ast.unparse(each)}" for each in _plain(node)]
    return found


def _plain(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that ought to be messages."""
    name = name_of(call.func)
    arguments: list[ast.expr] = []
    if name in MAKERS:
        arguments = [each.value for each in call.keywords]
    elif name in ("Finding", "Deferred", "Verdict"):
        arguments = call.args[1:2]
    elif name in ERRORS or name in SAYERS:
        arguments = list(call.args)
    for each in arguments:
        for part in _alternatives(each):
            text = "".join(
                str(one.value) for one in ast.walk(part) if isinstance(one, ast.Constant)
            )
            if isinstance(part, ast.JoinedStr | ast.Constant) and TWO_WORDS.search(text):
                yield part


def _alternatives(expression: ast.expr) -> Iterator[ast.expr]:
    match expression:
        case ast.IfExp(body=body, orelse=orelse):
            yield from _alternatives(body)
            yield from _alternatives(orelse)
        case ast.BoolOp(values=values):
            for each in values:
                yield from _alternatives(each)
        case _:
            yield expression


def renewed(text: str) -> str:
    """The catalogue with what the sources hold now, sorted by where that is said."""
    known = {(entry.msgid, entry.plural): entry.translations for entry in po.read(text)}
    entries = [HEADER]
    for (msgid, plural), where in sorted(sentences().items(), key=lambda pair: pair[1]):
        blank = [""] if plural is None else ["", ""]
        kept = known.get((msgid, plural), blank)
        entries.append(po.PoEntry(msgid, plural, kept, [f"#: {where}"]))
    return po.write(entries)


def faults(text: str) -> list[str]:
    """Names what has no Portuguese, or asks for other facts than its English."""
    found = []
    for entry in po.read(text)[1:]:
        held = _facts(entry.msgid) | _facts(entry.plural or "")
        for each in entry.translations:
            if not each:
                found.append(f"no Portuguese: {entry.msgid!r}")
            elif not _facts(each) <= held:
                found.append(f"facts {sorted(_facts(each) - held)} unknown: {each!r}")
            elif held - _facts(each) - {"count"}:
                found.append(f"facts {sorted(held - _facts(each))} left out: {each!r}")
    return found


def _facts(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def main() -> None:
    """Writes both files."""
    text = renewed(CATALOGUE.read_text("utf-8") if CATALOGUE.exists() else "")
    CATALOGUE.write_text(text, "utf-8")
    po.make(CATALOGUE)
    wrong = [*(f"plain text: {each}" for each in plain()), *faults(text)]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
