"""`nfed check FILE…`: says what an import would do with files, and imports nothing."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nfed.cli import database, output
from nfed.cli.check import Level, Verdict, say
from nfed.cli.exits import ExitCode
from nfed.cli.loading import load
from nfed.core.archive import is_archive
from nfed.core.escape import escaped
from nfed.core.outcome import (
    Deferred,
    Duplicate,
    Imported,
    Outcome,
    Reason,
    Refused,
    Stored,
    Unpacked,
    Updated,
    verdict,
)
from nfed.core.ports import Reading
from nfed.documents.document import Document
from nfed.documents.layout.dfe import DFE_DOCUMENTOS
from nfed.documents.layout.eventos import NF_EVENTOS
from nfed.documents.layout.nota import NOTAS_FISCAIS
from nfed.errors import XMLTruncated
from nfed.wiring import worker_settings_of
from nfed.words import Message, word
from nfed.workers.members import read_archive
from nfed.workers.read import WorkerSettings, read_file

_MODELO = NOTAS_FISCAIS.position("modelo")
_EVENT = NF_EVENTOS.position("tipo_evento")
_TIPO = DFE_DOCUMENTOS.position("tipo")
_MODELS = {"55": "NF-e", "65": "NFC-e"}


def check_files(files: Sequence[Path], url: str | None) -> int:
    """Says what would become of each; returns the exit code."""
    settings = load({"database_url": url}).settings
    reading_settings = worker_settings_of(settings)
    known: dict[tuple[str, str], Stored] = {}
    refused = False
    for file in files:
        # Symbolic links are followed, as `nfed import` follows those that it is given.
        for name, part in _parts(file, reading_settings):
            if isinstance(part, Document):
                key = (part.head, part.key)
                stored = known.get(key) or database.stored(settings, part)
                outcome = verdict(part, stored)
                if isinstance(outcome, Imported | Updated):
                    known[key] = Stored(
                        part.content_sha256, part.rank, name, part.status, part.is_accepted
                    )
            else:
                outcome = part
            refused |= isinstance(outcome, Refused | Deferred)
            _say(name, part, outcome)
    return ExitCode.SOME_REFUSED if refused else ExitCode.OK


def _parts(
    file: Path, settings: WorkerSettings
) -> Iterator[tuple[str, Document | Refused | Deferred]]:
    """Every document of a file, or of an archive's members, with the name to show."""
    path = os.path.realpath(file)
    found: Iterable[tuple[str, Reading]] = (
        read_archive(path, settings)
        if is_archive(path)
        else [(file.name, read_file(path, settings))]
    )
    for name, reading in found:
        result = reading.result
        for part in result if isinstance(result, tuple) else (result,):
            yield escaped(str(file.parent / name)), part


def _say(name: str, result: Document | Refused | Deferred, outcome: Outcome) -> None:
    level, fate, advice = _fate(outcome)
    if isinstance(result, Document):
        document = _described(result)
        say(
            Verdict(
                level,
                Message("{name}: {document}: {fate}", name=name, document=document, fate=fate),
            )
        )
        for finding in result.findings:
            text = output.line(finding.text)
            output.say(Message("     warning {code}: {text}", code=finding.code, text=text))
    else:
        say(Verdict(level, Message("{name}: {fate}", name=name, fate=fate)))
        for finding in result.findings if isinstance(result, Refused) else ():
            text = output.line(finding.text)
            output.say(Message("     found {code}: {text}", code=finding.code, text=text))
    if advice:
        output.say(f"     {word(advice)}")


def _described(document: Document) -> Message:
    row = document.rows[document.head][0]
    chave, status = document.chave, document.status
    match document.head:
        case "notas_fiscais":
            count = len(document.rows.get("nf_itens", ()))
            return Message(
                "{model} {chave}, {status}, {items}",
                model=_MODELS[str(row[_MODELO])],
                chave=chave,
                status=status,
                items=Message("{count:,} item", "{count:,} items", count=count),
            )
        case "nf_eventos":
            kind = row[_EVENT]
            return Message(
                "event {kind} of {chave}, {status}", kind=kind, chave=chave, status=status
            )
        case "dfe_documentos":
            return Message(
                "{model} {chave}, {status}", model=row[_TIPO], chave=chave, status=status
            )
        case "nf_protocolos":
            return Message("protocol of {chave}, {status}", chave=chave, status=status)
        case "nf_inutilizacoes":
            return Message("unused numbers {chave}, {status}", chave=chave, status=status)
        case _:
            return Message("summary of {chave}, {status}", chave=chave, status=status)


def _fate(outcome: Outcome) -> tuple[Level, Message, str]:
    """Says how it ends, in words, and what to do."""
    match outcome:
        case Imported():
            return Level.OK, Message("new, would be imported"), ""
        case Updated(superseded=(gone, *_)):
            told = Message(
                "would take the place of what {file} holds, which was never accepted",
                file=gone.file_name,
            )
            return Level.OK, told, ""
        case Updated():
            return Level.OK, Message("would bring the stored note its protocol"), ""
        case Duplicate(stored_from=None):
            return Level.OK, Message("duplicate, already stored"), ""
        case Duplicate(stored_from=file):
            return Level.OK, Message("duplicate, already stored from {file}", file=file), ""
        case Refused(error, error_type, advice):
            return Level.FAIL, _refused(error_type, error), advice
        case Unpacked():
            raise ValueError("only an import takes an archive apart")
        case Deferred(Reason.INCOMPLETE, detail):
            return Level.FAIL, _refused(XMLTruncated.error_type, detail), XMLTruncated.advice
        case Deferred(reason, detail):
            return (
                Level.FAIL,
                Message(
                    "would be left: {reason}: {detail}",
                    reason=output.REASONS[reason],
                    detail=output.line(detail),
                ),
                "",
            )


def _refused(error_type: str, error: str) -> Message:
    return Message(
        "would be refused: {error_type}: {error}",
        error_type=error_type,
        error=output.line(error),
    )
