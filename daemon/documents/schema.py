"""The official XSDs, as nfelib's wheel carries them, compiled once a process."""

from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import Path

import nfelib
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
    folder = Path(nfelib.__file__).parent / "nfe" / "schemas" / "v4_0"
    return etree.XMLSchema(file=str(folder / file))
