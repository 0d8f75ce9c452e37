"""A grammar finds valid only what libxml2 finds valid, and that most of the time."""

import array
import random
import re
from collections import Counter
from copy import deepcopy
from functools import cache
from html import unescape

import pytest
from lxml import etree

from bench.generator import Generator
from daemon.documents import schema, tree
from daemon.documents.automaton import Automaton, Unsupported, automaton
from daemon.documents.parts import parts
from daemon.documents.patterns import BEYOND, SYMBOLS, pattern
from daemon.documents.reader import NAMESPACE, read
from daemon.documents.schema import _PAYS_AFTER, _chosen, _folder, _Xsd
from daemon.documents.xsd import FAULTS, tables_of
from tests.test_fuzz import SEEDS

FILES = sorted(
    f"{each.folder}/{name}.xsd"
    for each in {*schema._BY_NAME.values(), *schema._BY_EVENT.values()}
    for name in (each.alone, each.pair)
    if name is not None
)
NOTE = "nfe/schemas/v4_0/procNFe_v4.00.xsd"
SPECIAL = (
    "",
    " ",
    "0",
    "-1",
    " 1",
    "1  2",
    "a\tb",
    "a\nb",
    "x" * 61,
    "ÿ",
    "Ā",
    "1" * 16,
    "é ",
    "1.5",
)
N = f"{{{NAMESPACE}}}"
SMALL = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"
    xmlns="urn:a" elementFormDefault="qualified">{}</xs:schema>"""


@cache
def grammar(file):
    return tree.Grammar(*tables_of(_folder() / file).packed())


@cache
def libxml2(file):
    return etree.XMLSchema(file=str(_folder() / file))


def validated(xml):
    """What is validated of a file's documents, each with its XSD."""
    source = read(xml)
    for part in parts(source.root, source.text):
        if not isinstance(part, Exception) and part.asked is not None:
            element, file = _chosen(part)
            if element is not None and file is not None and "}" in element.tag:
                yield deepcopy(element), file


def notes(count, **how):
    return [Generator(5).note(number, **how).xml for number in range(count)]


def width(made: Automaton):
    """Columns of its table."""
    return len(array.array("H", made.next_states)) // len(made.accepting)


def accepts(made: Automaton, text):
    table = array.array("H", made.next_states)
    state = 1
    for character in text:
        column = made.classes[min(ord(character), BEYOND)]
        state = table[state * width(made) + column]
    return bool(made.accepting[state])


def walk(made: Automaton, chance: random.Random):
    """A text that the automaton accepts."""
    table = array.array("H", made.next_states)
    columns, members = width(made), {}
    for symbol, column in enumerate(made.classes):
        members.setdefault(column, []).append(symbol)
    state, text = 1, []
    for _ in range(400):
        ways = [
            (column, target) for column in members if (target := table[state * columns + column])
        ]
        if not ways or (made.accepting[state] and chance.random() < 0.2):
            break
        column, state = chance.choice(ways)
        symbol = chance.choice(members[column])
        text.append("Ā" if symbol == BEYOND else chr(symbol))
    return "".join(text) if made.accepting[state] else None


def is_xml(text):
    return all(each in "\t\n\r" or each >= " " for each in text)


def changed(element, texts, chance):
    """Makes one change to the tree; the texts are put into its leaves."""
    nodes = list(element.iter(etree.Element))
    node, other = chance.choice(nodes), chance.choice(nodes)
    match chance.randrange(9):
        case 0 | 1 | 2 if len(node) == 0:
            node.text = chance.choice(texts)
        case 3 if node is not element:
            node.getparent().remove(node)
        case 4 if node is not element:
            node.addnext(deepcopy(node))
        case 5 if node is not element and other not in node.iter():
            node.append(deepcopy(other))
        case 6:
            node.tag = other.tag
        case 7 if node.attrib:
            name = chance.choice(list(node.attrib))
            node.set(name, chance.choice(texts))
        case 8:
            node.set(
                chance.choice(("Id", "versao", "nItem", "x", "{urn:x}y")), chance.choice(texts)
            )


@pytest.mark.parametrize("file", FILES)
def test_every_official_xsd_is_known_at_least_in_part(file):
    tables = tables_of(_folder() / file)

    known = [each for each in tables.types if each is not None]
    assert len(known) > 0.9 * len(tables.types)


@pytest.mark.parametrize(
    "text", ["<xs:import/>", "<xs:include schemaLocation='x.xsd'/>", "<e/>", "<"]
)
def test_an_xsd_that_cannot_be_read_is_one_of_the_known_faults(tmp_path, text):
    file = tmp_path / "small.xsd"
    file.write_text(SMALL.format(text))

    with pytest.raises(FAULTS):
        tables_of(file)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_to_a_document_what_a_grammar_allows_is_valid(seed):
    chance = random.Random(seed)
    seeds = [each for xml in (*SEEDS, *notes(8), *notes(8, rich=True)) for each in validated(xml)]
    texts = {file: list(SPECIAL) for _, file in seeds}
    for file, known in texts.items():
        for text in tables_of(_folder() / file).texts:
            walks = [walk(each, chance) for each in text.automata]
            known += [each for each in walks if each is not None and is_xml(each)]
    found = Counter()

    for _ in range(2000):
        element, file = chance.choice(seeds)
        element = deepcopy(element)
        for _ in range(chance.choice((1, 1, 2))):
            changed(element, texts[file], chance)
        allowed = grammar(file).allows(element)
        if allowed:
            assert libxml2(file).validate(element), (
                f"{libxml2(file).error_log.last_error}\n{etree.tostring(element).decode()}"
            )
        found[allowed] += 1

    assert found[True] > 100
    assert found[False] > 500


def test_nearly_every_valid_document_is_found_valid_without_libxml2():
    left = []
    for xml in (*notes(60), *notes(60, rich=True), *SEEDS):
        for element, file in validated(xml):
            if libxml2(file).validate(element) and not grammar(file).allows(element):
                left.append(element)

    assert len(left) < 15
    for element in left:
        assert element.find(f".//{N}competApur") is not None  # a month from 2025-01 on


def test_a_pattern_accepts_what_libxml2_lets_it_accept():
    chance = random.Random(1)
    files = {path for file in FILES for path in (_folder() / file).parent.glob("*.xsd")}
    written = {
        unescape(each)
        for path in files
        for each in re.findall(r'pattern value="([^"]*)"', path.read_text("utf-8-sig"))
    }
    accepted = refused = not_known = 0
    for text in written:
        try:
            made = automaton(pattern(text), SYMBOLS)
        except Unsupported:
            not_known += 1
            continue
        restriction = etree.fromstring(
            SMALL.format(
                '<xs:element name="e"><xs:simpleType><xs:restriction base="xs:string">'
                "<xs:pattern/></xs:restriction></xs:simpleType></xs:element>"
            )
        )
        restriction.find(".//{*}pattern").set("value", text)
        libxml2_says = etree.XMLSchema(restriction)
        element = etree.Element("{urn:a}e")
        for _ in range(25):
            value = walk(made, chance)
            if value is None or not is_xml(value):
                continue
            at = chance.randrange(len(value) + 1)
            for each in (value, value[:at] + chance.choice("0aZ.- |ÿ") + value[at + 1 :]):
                element.text = each
                is_accepted = accepts(made, each)
                # The other way round libxml2 errs: its [0-9]{2}|[0-9]{8} takes nine digits.
                assert not is_accepted or libxml2_says.validate(element), (text, each)
                accepted += is_accepted
                refused += not is_accepted

    assert accepted > 2000
    assert refused > 500
    assert not_known < len(written) / 10


def test_more_of_an_element_than_the_xsd_says_are_not_allowed():
    (element, file) = next(validated(notes(1)[0]))
    payment = element.find(f".//{N}detPag")
    while len(payment.getparent().findall(f"{N}detPag")) < 100:
        payment.addnext(deepcopy(payment))

    at_most = grammar(file).allows(element), libxml2(file).validate(element)
    payment.addnext(deepcopy(payment))
    more = grammar(file).allows(element), libxml2(file).validate(element)

    assert at_most == (True, True)
    assert more == (False, False)


@pytest.mark.parametrize("items", [2, 100])
def test_a_doubled_item_number_is_not_allowed(items):
    (element, file) = next(validated(notes(1, items=items)[0]))
    *_, one, last = element.iterfind(f".//{N}det")
    assert grammar(file).allows(element)

    last.set("nItem", one.get("nItem"))

    assert not grammar(file).allows(element)
    assert not libxml2(file).validate(element)


def test_a_doubled_id_is_not_allowed():
    (element, file) = next(validated(notes(1)[0]))
    protocol = element.find(f".//{N}infProt")
    protocol.set("Id", "ID1")
    assert grammar(file).allows(element)

    protocol.set("Id", element.find(f".//{N}infNFe").get("Id"))

    assert not grammar(file).allows(element)


def test_a_text_in_cdata_and_a_hint_at_the_schema_are_nothing_special():
    xml = notes(1)[0].replace(b"<natOp>", b"<natOp><![CDATA[").replace(b"</natOp>", b"]]></natOp>")
    xml = xml.replace(
        b"<nfeProc ",
        b'<nfeProc xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        b' xsi:schemaLocation="http://www.portalfiscal.inf.br/nfe procNFe_v4.00.xsd" ',
    )
    root = etree.fromstring(xml, etree.XMLParser(strip_cdata=False))

    assert grammar(NOTE).allows(root)
    assert libxml2(NOTE).validate(root)


# Each is valid, and made of what a grammar does not know: it must leave them to libxml2.
LEFT_TO_LIBXML2 = {
    "a default": '<xs:element name="e" type="xs:string" default="x"/>',
    "a nillable element": '<xs:element name="e" type="xs:string" nillable="true"/>',
    "mixed content": '<xs:element name="e"><xs:complexType mixed="true"/></xs:element>',
    "any element": '<xs:element name="e"><xs:complexType><xs:sequence>'
    '<xs:any minOccurs="0"/></xs:sequence></xs:complexType></xs:element>',
    "any attribute": '<xs:element name="e"><xs:complexType><xs:anyAttribute/>'
    "</xs:complexType></xs:element>",
    "a list": '<xs:element name="e"><xs:simpleType><xs:list itemType="xs:string"/>'
    "</xs:simpleType></xs:element>",
    "a type of numbers": '<xs:element name="e"><xs:simpleType><xs:restriction base="xs:string">'
    '<xs:whiteSpace value="replace"/></xs:restriction></xs:simpleType></xs:element>',
    "another form of unique": '<xs:element name="e"><xs:complexType/><xs:unique name="u">'
    '<xs:selector xpath=".//*"/><xs:field xpath="@a"/></xs:unique></xs:element>',
    "an attribute with a default": '<xs:element name="e"><xs:complexType>'
    '<xs:attribute name="a" type="xs:string" default="x"/></xs:complexType></xs:element>',
    "all of them": '<xs:element name="e"><xs:complexType><xs:all/></xs:complexType></xs:element>',
    "a class of all but some": '<xs:element name="e"><xs:simpleType><xs:restriction '
    'base="xs:string"><xs:pattern value="[^@]*"/></xs:restriction></xs:simpleType></xs:element>',
    "unqualified elements": None,
}


@pytest.mark.parametrize("kind", LEFT_TO_LIBXML2)
def test_what_is_not_known_is_left_to_libxml2(tmp_path, kind):
    known = LEFT_TO_LIBXML2[kind]
    text = SMALL.format(known or '<xs:element name="e"><xs:complexType/></xs:element>')
    if known is None:
        text = text.replace('elementFormDefault="qualified"', "")
    file = tmp_path / "small.xsd"
    file.write_text(text)
    element = etree.Element("{urn:a}e")
    assert etree.XMLSchema(file=str(file)).validate(element)

    try:
        allowed = tree.Grammar(*tables_of(file).packed()).allows(element)
    except Unsupported:
        allowed = False

    assert not allowed


def test_the_same_is_found_before_and_after_a_grammar_is_made():
    (good, file) = next(validated(notes(1)[0]))
    bad = deepcopy(good)
    bad.find(f".//{N}serie").text = "0001"
    xsd = _Xsd(_folder() / file)

    before = xsd.violations(good), xsd.violations(bad)
    for _ in range(_PAYS_AFTER):
        assert xsd.violations(good) == []
    after = xsd.violations(good), xsd.violations(bad)

    assert before == after
    assert "serie" in after[1][0]


FITS = (b"\0" * SYMBOLS, array.array("H", [0, 1]).tobytes(), b"\0\1")
LEAF = ((), 0, None, (), None)
BROKEN = {
    "a root of no type": ((("urn:a", "e", 7, -1),), (LEAF,), ((False, 0, -1, False, ()),)),
    "a text that is not there": ((("urn:a", "e", 0, -1),), (LEAF,), ()),
    "a state that is not there": (
        (),
        (),
        ((False, 0, -1, False, ((FITS[0], array.array("H", [0, 9]).tobytes(), FITS[2]),)),),
    ),
    "a class without a column": (
        (),
        (),
        ((False, 0, -1, False, ((b"\1" * SYMBOLS, FITS[1], FITS[2]),)),),
    ),
    "too few symbols": ((), (), ((False, 0, -1, False, ((b"\0", FITS[1], FITS[2]),)),)),
    "too few children": ((), (((), -2, FITS, (), None),), ()),
    "half a state": ((), (), ((False, 0, -1, False, ((FITS[0], FITS[1][:3], FITS[2]),)),)),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_tables_that_do_not_fit_together_are_refused(kind):
    tree.Grammar((("urn:a", "e", 0, -1),), (LEAF,), ((False, 0, -1, False, (FITS,)),))

    with pytest.raises(ValueError, match=r"tables|automaton"):
        tree.Grammar(*BROKEN[kind])


def test_what_is_no_element_is_refused():
    with pytest.raises(TypeError):
        grammar(NOTE).allows("<e/>")
