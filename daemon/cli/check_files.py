"""`nfed check FILE…`: what an import would do with files, importing nothing."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from daemon.cli import database, output
from daemon.cli.check import Level, Verdict, say
from daemon.cli.exits import ExitCode
from daemon.core.archive import is_archive
from daemon.core.arrival import shown
from daemon.core.outcome import (
    Deferred,
    Duplicate,
    Imported,
    Outcome,
    Reason,
    Refused,
    Unpacked,
    Updated,
)
from daemon.core.ports import Reading
from daemon.core.verdict import Stored, verdict
from daemon.documents.document import Document
from daemon.documents.layout_nota import NOTAS_FISCAIS
from daemon.documents.layout_outros import DFE_DOCUMENTOS, NF_EVENTOS
from daemon.edges import worker_settings_of
from daemon.errors import XMLTruncated
from daemon.flow.members import read_archive
from daemon.flow.reading import WorkerSettings, read_file
from daemon.settings import load

_MODELO = NOTAS_FISCAIS.position("modelo")
_EVENT = NF_EVENTOS.position("tipo_evento")
_TIPO = DFE_DOCUMENTOS.position("tipo")
_MODELS = {"55": "NF-e", "65": "NFC-e"}
_HEADS = {
    "nf_protocolos": "protocol of",
    "nf_inutilizacoes": "unused numbers",
    "nf_resumos": "summary of",
}


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
                    known[key] = Stored(part.content_sha256, part.rank, name)
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
            yield shown(str(file.parent / name)), part


def _say(name: str, result: Document | Refused | Deferred, outcome: Outcome) -> None:
    level, fate, advice = _told(outcome)
    if isinstance(result, Document):
        say(Verdict(level, f"{name}: {_described(result)}: {fate}"))
        for finding in result.findings:
            output.say(f"     warning {finding.code}: {shown(' '.join(finding.text.split()))}")
    else:
        say(Verdict(level, f"{name}: {fate}"))
        for finding in result.findings if isinstance(result, Refused) else ():
            output.say(f"     found {finding.code}: {shown(' '.join(finding.text.split()))}")
    if advice:
        output.say(f"     {advice}")


def _described(document: Document) -> str:
    row = document.rows[document.head][0]
    match document.head:
        case "notas_fiscais":
            items = output.plural(len(document.rows.get("nf_itens", ())), "item")
            return f"{_MODELS[str(row[_MODELO])]} {document.chave}, {document.status}, {items}"
        case "nf_eventos":
            return f"event {row[_EVENT]} of {document.chave}, {document.status}"
        case "dfe_documentos":
            return f"{row[_TIPO]} {document.chave}, {document.status}"
        case head:
            return f"{_HEADS[head]} {document.chave}, {document.status}"


def _told(outcome: Outcome) -> tuple[Level, str, str]:
    """How it ends, in words, and what to do."""
    match outcome:
        case Imported():
            return Level.OK, "new, would be imported", ""
        case Updated():
            return Level.OK, "would bring the stored note its protocol", ""
        case Duplicate(stored_from=stored_from):
            source = f" from {shown(stored_from)}" if stored_from else ""
            return Level.OK, f"duplicate, already stored{source}", ""
        case Refused(error, error_type, advice):
            return Level.FAIL, f"would be refused: {error_type}: {_line(error)}", advice
        case Unpacked():
            raise ValueError("only an import takes an archive apart")
        case Deferred(Reason.INCOMPLETE, detail):
            refusal = f"would be refused: {XMLTruncated.error_type}: {_line(detail)}"
            return Level.FAIL, refusal, XMLTruncated.advice
        case Deferred(reason, detail):
            return Level.FAIL, f"would be left: {reason.value}: {_line(detail)}", ""


def _line(text: str) -> str:
    return shown(" ".join(text.split()))
