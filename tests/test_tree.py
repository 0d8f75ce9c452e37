"""The compiled walk against the one in Python, and the canonical form against libxml2's."""

import pytest
from lxml import etree

from bench.fuzz import mutated
from bench.generator import Generator
from daemon.documents import tree
from daemon.documents.compiled import IS_COMPILED
from daemon.documents.extract import Extraction
from daemon.documents.reader import read
from daemon.documents.signature import _same_ids
from daemon.errors import DocumentError
from tests.full_notes import full_notes
from tests.test_fuzz import SEEDS

# By local name: the paths at which such an element stands in the layout.
PATHS = {
    "infNFe": ["NFe/infNFe"],
    "infNFeSupl": ["NFe/infNFeSupl"],
    "infProt": ["protNFe/infProt"],
    "infEvento": ["evento/infEvento", "retEvento/infEvento"],
    "infInut": ["inutNFe/infInut", "retInutNFe/infInut"],
    "infCte": ["dfe/infCte", "nobody/knows"],
    "resNFe": ["resNFe"],
}
OUTER = '<nfeProc xmlns="http://www.portalfiscal.inf.br/nfe" versao="4.00">{}</nfeProc>'


def roots(mutations):
    """The trees of every kind of document, and of mutations of them."""
    notes = [note.xml for note in map(Generator(3).note, range(40))]
    changed = [mutated(number, SEEDS, seed=11) for number in range(mutations)]
    for xml in (*SEEDS, *(xml for _, xml in full_notes()), *notes, *changed):
        try:
            yield read(xml).root
        except DocumentError:
            continue


def extracted(element, path, *, needs_offsets, in_python):
    made = Extraction(needs_offsets=needs_offsets, in_python=in_python)
    made.walk(element, path)
    return made.rows(), made.digest, made.unreadable


def test_the_walk_is_compiled_here():
    assert IS_COMPILED


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
    element = read(f"<infNFe Id='NFe1' versao='4.00'>{inside}</infNFe>".encode()).root

    compiled, in_python = (
        extracted(element, "NFe/infNFe", needs_offsets=True, in_python=way) for way in (False, True)
    )

    assert compiled == in_python


def test_a_comment_in_the_tree_stops_the_walk():
    """The reader leaves them out; a tree of another parser is no business of the walk."""
    element = etree.fromstring("<infNFe><ide><cUF>3<!-- -->5</cUF></ide></infNFe>")

    with pytest.raises(TypeError):
        Extraction().walk(element, "NFe/infNFe")


def test_the_canonical_form_is_libxml2s_where_there_is_one():
    plain = 0
    for root in roots(1500):
        for element in root.iter("{*}infNFe", "{*}infEvento", "{*}SignedInfo", "{*}NFe"):
            found = tree.canonical(element)
            if found is not None:
                plain += 1
                for exclusive in (True, False):
                    alone = element if exclusive else etree.fromstring(etree.tostring(element))
                    assert found == etree.tostring(
                        alone, method="c14n", exclusive=exclusive, with_comments=False,
                        with_tail=False,
                    )  # fmt: skip

    assert plain > 1500


@pytest.mark.parametrize(
    "inside",
    [
        "<a b='1' a='2'>&lt;&gt;&amp;&#13;\"'\n\t</a>",
        "<a b='&lt;&gt;&amp;&#13;&#10;&#9;&quot;&apos;'/>",
        "<a><![CDATA[<&>]]> x</a>",
        "<a xmlns='http://www.portalfiscal.inf.br/nfe'><b/></a>",
        "<é ü='ß'>日本 😀</é>",
    ],
)
def test_the_canonical_form_escapes_as_libxml2_does(inside):
    root = read(OUTER.format(inside).encode()).root

    found = tree.canonical(root)

    assert found == etree.tostring(root, method="c14n", exclusive=True)


@pytest.mark.parametrize(
    "inside",
    [
        "<a xmlns='http://www.w3.org/2000/09/xmldsig#'/>",
        "<a xmlns=''/>",
        "<x:a xmlns:x='http://www.portalfiscal.inf.br/nfe'/>",
        "<a xmlns:x='http://x'/>",
        "<a xml:lang='pt'/>",
        "<a><!-- --></a>",
        "<a><?x?></a>",
        "<a {}/>".format(" ".join(f"a{number}='1'" for number in range(40))),
    ],
)
def test_what_is_not_plain_is_left_to_libxml2(inside):
    root = etree.fromstring(OUTER.format(inside))

    assert tree.canonical(root) is None


def test_a_prefix_in_the_scope_is_left_to_libxml2():
    root = etree.fromstring("<a xmlns='http://x' xmlns:y='http://y'><b/></a>")

    assert tree.canonical(root[0]) is None


def test_ids_are_counted_in_the_whole_document():
    root = etree.fromstring(
        "<a Id='x' xmlns:p='urn:p'><!-- Id='x' --><b id='x'/><b Id='y'/><c><d p:Id='x' Id='x'/></c>"
        "text<e Id='x'/></a><!-- tail -->"
    )

    for element in root.iter(etree.Element):
        assert tree.same_ids(element, "x") == 3 == _same_ids(element, "x")
    assert tree.same_ids(root, "é") == 0


@pytest.mark.parametrize("no_element", [None, "a", etree.Comment("a"), etree.PI("a")])
def test_what_is_no_element_is_refused(no_element):
    for act in (tree.canonical, lambda it: tree.same_ids(it, "x")):
        with pytest.raises(TypeError):
            act(no_element)
