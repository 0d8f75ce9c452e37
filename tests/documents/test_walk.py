"""The compiled walk against its twin in Python."""

import pytest
from lxml import etree

from bench.fuzz import mutated
from bench.generator import Generator
from nfed.documents.layout.columns import WORDS
from nfed.documents.rows.extract import Extraction
from nfed.documents.rows.plan import UNKNOWN, compiled
from nfed.documents.rows.walk import Walker
from nfed.documents.xml.parse import parse
from nfed.errors import DocumentError
from tests.bench.test_fuzz import SEEDS
from tests.support.full_notes import full_notes

# By local name: the paths at which such an element stands in the layout.
PATHS = {
    "infNFe": ["NFe/infNFe"],
    "infNFeSupl": ["NFe/infNFeSupl"],
    "infProt": ["protNFe/infProt"],
    "infEvento": ["evento/infEvento", "retEvento/infEvento"],
    "infInut": ["inutNFe/infInut", "retInutNFe/infInut"],
    "infCte": ["CTe/infCte", "nobody/knows"],
    "resNFe": ["resNFe"],
}


def roots(mutations):
    """The trees of every kind of document, and of mutations of them."""
    notes = [note.xml for note in map(Generator(3).note, range(40))]
    changed = [mutated(number, SEEDS, seed=11) for number in range(mutations)]
    for xml in (*SEEDS, *(xml for _, xml in full_notes()), *notes, *changed):
        try:
            yield parse(xml).root
        except DocumentError:
            continue


HEADS = {
    "evento": "nf_eventos",
    "retEvento": "nf_eventos",
    "inutNFe": "nf_inutilizacoes",
    "retInutNFe": "nf_inutilizacoes",
    "CTe": "dfe_documentos",
    "nobody": "dfe_documentos",
    "resNFe": "nf_resumos",
}


def extracted(element, path, *, needs_offsets, in_python):
    head = HEADS.get(path.partition("/")[0], "notas_fiscais")
    made = Extraction(head, needs_offsets=needs_offsets, in_python=in_python)
    made.walk(element, path)
    return made.rows(), made.digest, made.unreadable


def test_the_walk_is_compiled_here():
    assert isinstance(compiled().walker, Walker)


@pytest.mark.slow
def test_both_walks_yield_the_same_of_whatever_document():
    compared = with_leftovers = 0
    for root in roots(3000):
        for element in root.iter(etree.Element):
            for path in PATHS.get(etree.QName(element).localname, ()):
                for needs_offsets in (True, False):
                    compiled, in_python = (
                        extracted(element, path, needs_offsets=needs_offsets, in_python=way)
                        for way in (False, True)
                    )
                    assert compiled == in_python
                    compared += 1
                    with_leftovers += "nf_outros_valores" in compiled[0]

    assert compared > 4000
    assert with_leftovers > 500


@pytest.mark.parametrize(
    "inside",
    [
        f"<det nItem='1'><prod><vProd>{value}</vProd></prod></det>"
        for value in ("", " 1.00", "1.", ".5", "1.00000000000", "1.000000000000", "9" * 13 + ".00",
                      "9" * 14 + ".00", "+1.00", "-1.00", "١.00", "1.005", "1.0050", "1,50")
    ]
    + [
        "<ide><natOp>\u00a0Venda\u2003</natOp></ide>",
        "<ide><natOp>a<![CDATA[ <b> ]]>&amp;c</natOp></ide>",
        "<ide><natOp/><natOp>again</natOp><nNF>1</nNF><nNF>2</nNF></ide>",
        "<ide a='1' xml:lang='pt' b='&quot;&#10;é'><cUF x='y'>35</cUF></ide>",
        "<b>2</b><a>1</a><b>1</b><bb>1</bb><b><c>3</c></b><b x='1'/>",
        "<det nItem='x'/><det nItem='1'/><det/>",
        "".join(f"<z>{number:03}</z>" for number in range(300, 0, -1)),
    ],
)  # fmt: skip
def test_both_walks_agree_on_what_is_rare(inside):
    element = parse(f"<infNFe Id='NFe1' versao='4.00'>{inside}</infNFe>".encode()).root

    compiled, in_python = (
        extracted(element, "NFe/infNFe", needs_offsets=True, in_python=way) for way in (False, True)
    )

    assert compiled == in_python


def test_a_comment_in_the_tree_stops_the_walk():
    """The reader leaves them out; a tree of another parser is no business of the walk."""
    element = etree.fromstring("<infNFe><ide><cUF>3<!-- -->5</cUF></ide></infNFe>")

    with pytest.raises(TypeError):
        Extraction().walk(element, "NFe/infNFe")


@pytest.mark.parametrize("no_element", [None, "a", etree.Comment("a"), etree.PI("a")])
def test_what_is_no_element_is_refused(no_element):
    walker = Walker(compiled(), UNKNOWN, WORDS)

    with pytest.raises(TypeError):
        walker.visit(no_element, (), [], [], print, print)


def test_a_tree_too_deep_for_the_twin_stops_the_walk_as_well():
    """The parser allows 256 elements; a tree of another one is no reason to overrun the stack."""
    element = etree.fromstring("<a>" * 2000 + "</a>" * 2000, etree.XMLParser(huge_tree=True))

    for way in (False, True):
        with pytest.raises(RecursionError):
            Extraction(in_python=way).walk(element, "NFe/infNFe")
