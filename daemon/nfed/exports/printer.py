"""Runs in a process of its own: prints documents (DANFE and its kin) by brazilfiscalreport.

`printing` starts it. It reads a message from stdin and answers it on
stdout, each a pickle after its length, until stdin ends.

The library is given what it expects, whatever the file holds: elements in the fiscal namespace,
without prefixes, the document and its protocol under one root, and no letter that its fonts lack.
What it raises all the same becomes one sentence.
"""

import io
import pickle
import resource
import struct
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from nfed.documents.xml.find import Part, child, find_documents, local_name
from nfed.documents.xml.parse import NAMESPACE, parse
from nfed.errors import DocumentError
from nfed.exports.originals import encoded
from nfed.words import Message

LENGTH = struct.Struct("!I")
LAYOUTS = ("auto", "moc_7_0", "nt_2026_010")
"""Of a DANFE: by the day of issue, before NT 2026.010, and of that."""
_NAMESPACES = {
    "NFe": NAMESPACE,
    "CTe": "http://www.portalfiscal.inf.br/cte",
    "MDFe": "http://www.portalfiscal.inf.br/mdfe",
}
_SIMPLIFIED = "6"  # tpImp: DANFE Simplificado Tipo 2, NT 2026.002
_CREATED = datetime(2026, 1, 1, tzinfo=UTC)  # the same document gives the same bytes
_MOST_TOLD = 120
_MEMORY_BYTES = 2 << 30
_LETTERS = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": ",", "–": "-", "—": "-", "‑": "-",
        "−": "-", "…": "...", "•": "·", "€": "EUR", "™": "(TM)", "≥": ">=", "≤": "<=", "≠": "<>",
        "≈": "~", "√": "raiz", "∞": "infinito", "Ω": "ohm", "μ": "µ", "′": "'",
        "″": '"', "⁄": "/", "→": "->", "←": "<-", "‐": "-", "œ": "oe", "Œ": "OE", "ł": "l",
        "Ł": "L", "✓": "x", "☐": "[ ]", "\u200b": "", "\ufeff": "", "\u2028": " ",
        "\u2029": " ", "\t": " ",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be printed."""

    xml: str
    is_cancelled: bool = False
    corrections: tuple[str, ...] = ()
    """The XML of each carta de correção that goes below it."""
    layout: str = LAYOUTS[0]


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF, and what is not as the document says."""

    pdf: bytes
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unprintable:
    """Why there is none, in one sentence."""

    reason: str


class _CannotPrint(Exception):
    """Says why."""


def main() -> None:
    """Answers until the other side hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := asked.read(LENGTH.size):
        order = pickle.loads(asked.read(LENGTH.unpack(head)[0]))
        answer = pickle.dumps(print_document(order))
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def print_document(order: Order) -> Printed | Unprintable:
    """Prints one document; never raises for what it holds."""
    try:
        return _printed(order)
    except (_CannotPrint, DocumentError) as error:
        return Unprintable(error.args[0] if error.args else str(error))
    except MemoryError:
        raise
    except Exception as error:  # whatever a layout trips over
        told = " ".join(f"{type(error).__name__} {error}".split())[:_MOST_TOLD]
        return Unprintable(
            Message("the printed form's layout cannot take this document ({fault})", fault=told)
        )


def _printed(order: Order) -> Printed:
    from pypdf import PdfReader, PdfWriter

    part = _part(order.xml)
    remarks = _Remarks()
    sheets = [
        _sheet(part, order, remarks),
        *(_correction(text, part, remarks) for text in order.corrections),
    ]
    merged = PdfWriter()
    for sheet in sheets:
        merged.append(PdfReader(io.BytesIO(sheet)))
    out = io.BytesIO()
    merged.write(out)
    return Printed(out.getvalue(), tuple(remarks.told()))


class _Remarks:
    """Collects what is printed otherwise than it was written."""

    def __init__(self) -> None:
        self.lost: set[str] = set()
        self.other: list[str] = []

    def told(self) -> Iterator[str]:
        yield from self.other
        if self.lost:
            shown = " ".join(f"U+{ord(letter):04X}" for letter in sorted(self.lost)[:5])
            yield Message(
                "letters that the printed form's fonts lack are shown as ? ({letters})",
                letters=shown,
            )


def _part(xml: str) -> Part:
    source = parse(encoded(xml))
    for part in find_documents(source.root, source.text):
        if isinstance(part, DocumentError):
            raise part
        if part.asked is not None:
            return part
    raise _CannotPrint(
        Message("it is an answer of the tax office alone: there is no document to print")
    )


def _sheet(part: Part, order: Order, remarks: _Remarks) -> bytes:
    match part.name:
        case "NFe":
            return _note(part, order, remarks)
        case "CTe":
            from brazilfiscalreport.dacte import Dacte, DacteConfig

            text = _canonical(part, "CTe", "cteProc", remarks)
            return _output(
                lambda: Dacte(text, config=DacteConfig(watermark_cancelled=order.is_cancelled))
            )
        case "MDFe":
            from brazilfiscalreport.damdfe import Damdfe, DamdfeConfig

            text = _canonical(part, "MDFe", "mdfeProc", remarks)
            if order.is_cancelled:
                remarks.other.append(
                    Message("it is cancelled; an MDF-e's printed form has no such mark")
                )
            return _output(lambda: Damdfe(text, config=DamdfeConfig()))
        case "NFSe":
            from brazilfiscalreport.danfse import Danfse, DanfseConfig

            text = etree.tostring(_mapped(part.whole, None, remarks), encoding="unicode")
            return _output(
                lambda: Danfse(text, config=DanfseConfig(watermark_cancelled=order.is_cancelled))
            )
        case _:
            raise _CannotPrint(
                Message(
                    "<{element}> has no printed form here; NF-e, NFC-e, CT-e, MDF-e, NFS-e "
                    "nacional and CC-e have",
                    element=part.name,
                )
            )


def _note(part: Part, order: Order, remarks: _Remarks) -> bytes:
    assert part.asked is not None
    text = _canonical(part, "NFe", "nfeProc", remarks)
    ide = child(child(part.asked, "infNFe"), "ide")
    model = child(ide, "mod")
    if model is not None and (model.text or "").strip() == "65":
        from brazilfiscalreport.danfce import Danfce, DanfceConfig

        config = DanfceConfig(watermark_cancelled=order.is_cancelled)
        return _output(lambda: Danfce(text, config=config))
    from brazilfiscalreport.danfe import Danfe, DanfeConfig, DanfeLayout

    printing = child(ide, "tpImp")
    if printing is not None and (printing.text or "").strip() == _SIMPLIFIED:
        remarks.other.append(
            Message(
                "tpImp 6 (DANFE Simplificado Tipo 2) has no layout here: printed as a whole DANFE"
            )
        )
    config = DanfeConfig(watermark_cancelled=order.is_cancelled, layout=DanfeLayout(order.layout))
    return _output(lambda: Danfe(text, config=config))


def _correction(xml: str, note: Part, remarks: _Remarks) -> bytes:
    from brazilfiscalreport.dacce import DaCCe

    event = _part(xml)
    text = _canonical(event, "NFe", "procEventoNFe", remarks)
    return _output(lambda: DaCCe(text, emitente=_issuer(note, remarks)))


def _issuer(note: Part, remarks: _Remarks) -> dict[str, str]:
    """Who issued the note, in the words of DaCCe."""
    issuer = child(child(note.asked, "infNFe"), "emit")
    place = child(issuer, "enderEmit")

    def text(element: etree._Element | None, name: str) -> str:
        found = child(element, name)
        return "" if found is None else _plain(found.text or "", remarks)

    return {
        "nome": text(issuer, "xNome"),
        "end": f"{text(place, 'xLgr')}, {text(place, 'nro')}",
        "bairro": text(place, "xBairro"),
        "cidade": text(place, "xMun"),
        "uf": text(place, "UF"),
        "fone": text(place, "fone"),
    }


def _output(make: "Callable[[], object]") -> bytes:
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")  # deprecated layouts, telephone numbers
        made = make()
        made.set_creation_date(_CREATED)  # type: ignore[attr-defined]  # an FPDF
        return bytes(made.output())  # type: ignore[attr-defined]


def _canonical(part: Part, family: str, root: str, remarks: _Remarks) -> str:
    """The document and its answer under one root, in the fiscal namespace, by local names."""
    namespace = _NAMESPACES[family]
    made = etree.Element(f"{{{namespace}}}{root}", nsmap=_default(namespace))
    for element in (part.asked, part.answered):
        if element is not None:
            made.append(_mapped(element, namespace, remarks))
    return etree.tostring(made, encoding="unicode")


def _mapped(element: etree._Element, namespace: str | None, remarks: _Remarks) -> etree._Element:
    """A copy with letters that can be printed; in the namespace, or each in its own for None."""
    own = namespace or etree.QName(element).namespace
    tag = f"{{{own}}}{local_name(element)}" if own else local_name(element)
    made = etree.Element(tag, nsmap=_default(own) if own else None)
    for name, value in element.attrib.items():
        made.set(etree.QName(name).localname, _plain(str(value), remarks))
    if element.text is not None:
        made.text = _plain(element.text, remarks)
    for below in element:
        if isinstance(below.tag, str) and local_name(below) != "Signature":
            made.append(_mapped(below, namespace, remarks))
    return made


def _default(namespace: str) -> dict[str, str]:
    """Binds no prefix to the namespace; the stubs of lxml know no None among prefixes."""
    return {None: namespace}  # type: ignore[dict-item]


def _plain(text: str, remarks: _Remarks) -> str:
    """In letters of Latin-1, which the fonts of every layout have."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    return "".join(_letter(letter, remarks) for letter in text)


def _letter(letter: str, remarks: _Remarks) -> str:
    if letter <= "ÿ":
        return letter
    for form in ("NFKC", "NFKD"):
        told = unicodedata.normalize(form, letter).encode("latin-1", "ignore").decode("latin-1")
        if told.strip():
            return told
    if unicodedata.category(letter) in ("Mn", "Cf", "Sk"):  # a mark on another, a joiner
        return ""
    remarks.lost.add(letter)
    return "?"
