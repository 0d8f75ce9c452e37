"""The official XSDs, as nfelib's wheel carries them, compiled once a process."""

from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from lxml import etree

from daemon.documents.reader import Kind

_FILES = {Kind.NFE_PROC: "procNFe_v4.00.xsd", Kind.NFE: "nfe_v4.00.xsd"}
_SHOWN = 5
_PREFIX = "{http://www.portalfiscal.inf.br/nfe}"


def violations(root: etree._Element, kind: Kind) -> list[str]:
    """What the XSD of the document's kind finds, at most the first five, with their lines."""
    schema = _schema(_FILES[kind])
    if schema.validate(root):
        return []
    log: Iterable[etree._LogEntry] = schema.error_log  # type: ignore[assignment]  # stubs lack it
    return [
        f"line {entry.line}: {entry.message.replace(_PREFIX, '')}" for entry in islice(log, _SHOWN)
    ]


@cache
def _schema(file: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(_folder() / "nfe" / "schemas" / "v4_0" / file))


def _folder() -> Path:
    """Where nfelib lies; found without importing it, which would cost each worker 50 ms."""
    found = find_spec("nfelib")
    if found is None or found.origin is None:
        raise FileNotFoundError("the package nfelib, which carries the official XSDs, is missing")
    return Path(found.origin).parent
