"""Files with very many of one thing: does CPU time grow faster than their size?"""

import time
from collections.abc import Iterator
from contextlib import suppress

from bench.generator import Generator
from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.errors import DocumentError

SIZES = (250_000, 1_000_000)
_NAMESPACE = 'xmlns="http://www.portalfiscal.inf.br/nfe"'

# By name: after which text of a note, and what stands there again and again.
_REPEATED = {
    "attributes": ("<natOp", " a{}='1'"),
    "namespaces": ("<natOp", " xmlns:a{}='u:{}'"),
    "unknown elements": ("</natOp>", "<x>1</x>"),
    "different elements": ("</natOp>", "<x{}>1</x{}>"),
    "items": ("</ide>", "<det nItem='1'><prod><cProd>1</cProd></prod></det>"),
    "references": ("</natOp>", "<NFref><refNFe>1</refNFe></NFref>"),
    "Ids": ("</natOp>", "<x Id='a{}'/>"),
    "signatures": ("</infNFe>", "<Signature/>"),
    "protocols": ("</NFe>", "<protNFe><infProt/></protNFe>"),
    "comments": ("</natOp>", "<!-- -->"),
    "instructions": ("</natOp>", "<?a b?>"),
    "CDATA": ("<natOp>", "<![CDATA[x]]>"),
    "text": ("<natOp>", "x"),
}


def shapes(size: int) -> Iterator[tuple[str, bytes]]:
    """Files of about so many bytes, by what they hold so many of."""
    note = Generator(3).note(1).xml.decode()
    for name, (after, piece) in _REPEATED.items():
        many = "".join(piece.replace("{}", str(n)) for n in range(size // len(piece)))
        yield name, note.replace(after, after + many, 1).encode()
    protocol = "<protNFe><infProt><cStat>100</cStat></infProt></protNFe>"
    lot = f"<lote {_NAMESPACE}>{protocol * (size // len(protocol))}</lote>"
    yield "documents", lot.encode()
    nested = "<a>" * 200 + "<b/>" * (size // 4) + "</a>" * 200
    yield "children far down", note.replace("</natOp>", f"</natOp>{nested}", 1).encode()
    yield "blanks before", b" " * size + note.encode()


def growth() -> list[tuple[str, float]]:
    """By shape: how much faster than its size its CPU time grows; the worst first, 1 is linear."""
    found = []
    for (name, small), (_, large) in zip(*map(shapes, SIZES), strict=True):
        spent = [min(_cpu_seconds(content) for _ in range(3)) for content in (small, large)]
        found.append((name, spent[1] / spent[0] / (SIZES[1] / SIZES[0])))
    return sorted(found, key=lambda each: -each[1])


def _cpu_seconds(content: bytes) -> float:
    began = time.process_time()
    with suppress(DocumentError):
        documents_from(content, Checks())
    return time.process_time() - began
