"""Reads an XSD: what it says as a grammar's tables, as far as official XSDs use it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lxml import etree

from daemon.documents.automaton import (
    Choice,
    Expression,
    OneOf,
    Repeat,
    Sequence,
    Unsupported,
    automaton,
)
from daemon.documents.grammar import NOT_KNOWN, Attribute, Child, Name, Tables, Text, Type
from daemon.documents.patterns import SYMBOLS, literal, pattern

XSD = "http://www.w3.org/2001/XMLSchema"
_X = f"{{{XSD}}}"
_FEW = 8
"""More of an element one after the other are counted, not spelled out in an automaton."""
_FORMS = (("qualified", None), ("qualified", "unqualified"))
_GROUPS = ("sequence", "choice")
_LEFT_ALONE = ("annotation", "documentation")

FAULTS = (ValueError, LookupError, OSError, etree.XMLSyntaxError)
"""What an XSD of another make than the official ones can lead to, Unsupported among them."""


def tables_of(file: Path) -> Tables:
    """Of an XSD and all that it includes; what a part of it says that is not known is NOT_KNOWN.

    Raises one of FAULTS for an XSD of which nothing is known.
    """
    reader = _Reader(file)
    roots = {name: reader.type_of(element) for name, element in reader.elements.items()}
    return Tables(roots, reader.types, reader.texts)


class _Reader:
    def __init__(self, file: Path) -> None:
        self.elements: dict[Name, etree._Element] = {}
        self.types: list[Type | None] = []
        self.texts: list[Text] = []
        self._named: dict[Name, etree._Element] = {}
        self._type_numbers: dict[etree._Element, int] = {}
        self._text_numbers: dict[Text, int] = {}
        self._texts: dict[etree._Element, Text] = {}
        self._files: set[tuple[Path, str]] = set()
        self._namespaces: dict[etree._Element, str] = {}
        self._read(file.resolve(), "")

    def _read(self, file: Path, includer: str) -> None:
        """A file without a namespace takes that of its `includer`."""
        if (file, includer) in self._files:
            return
        self._files.add((file, includer))
        root = etree.parse(file).getroot()
        if (root.get("elementFormDefault"), root.get("attributeFormDefault")) not in _FORMS:
            raise Unsupported(f"{file.name} has unqualified elements or qualified attributes")
        namespace = self._namespaces[root] = root.get("targetNamespace") or includer
        for each in _children(root):
            match _local(each):
                case "include" | "import":
                    inner = (file.parent / each.get("schemaLocation", "")).resolve()
                    self._read(inner, namespace if _local(each) == "include" else "")
                case "element":
                    _put(self.elements, (namespace, each.get("name", "")), each)
                case "simpleType" | "complexType":
                    _put(self._named, (namespace, each.get("name", "")), each)
                case other:
                    raise Unsupported(f"<{other}> in {file.name}")

    def type_of(self, element: etree._Element) -> int:
        """The number of what an element's declaration says, or NOT_KNOWN."""
        try:
            return self._type_of(element)
        except Unsupported:
            return NOT_KNOWN

    def _type_of(self, element: etree._Element) -> int:
        _expect(element, "name", "type", "minOccurs", "maxOccurs")
        inner = [each for each in _children(element) if _local(each) != "unique"]
        unique = _unique(element)
        name = element.get("type")
        if name is None:
            (declared,) = inner or (None,)
            if declared is None:
                raise Unsupported("an element of any type")
        elif (found := self._named.get(self._qname(element, name))) is not None:
            declared = found
        else:
            return self._add(Type(text=self._number(self._builtin(element, name))))
        key = element if unique else declared
        if key not in self._type_numbers:
            # It may hold itself, by its number; until it is made, and if it cannot be, it stays
            # unknown there.
            number = self._type_numbers[key] = self._add(None)
            self.types[number] = replace(self._made(declared), unique=unique)
        return self._type_numbers[key]

    def _add(self, made: Type | None) -> int:
        self.types.append(made)
        return len(self.types) - 1

    def _made(self, declared: etree._Element) -> Type:
        if _local(declared) == "simpleType":
            return Type(text=self._number(self._text(declared)))
        _expect(declared, "name")
        attributes: list[Attribute] = []
        made = Type()
        for each in _children(declared):
            match _local(each):
                case "attribute":
                    attributes.append(self._attribute(each))
                case "sequence" | "choice":
                    made = self._content(each)
                case "simpleContent":
                    (extension,) = _children(each)
                    base = extension.get("base")
                    if _local(extension) != "extension" or base is None:
                        raise Unsupported("a restriction of a text with attributes")
                    made = Type(text=self._number(self._named_text(extension, base)))
                    attributes += map(self._attribute, _children(extension))
                case other:
                    raise Unsupported(f"<{other}>")
        return replace(made, attributes=tuple(attributes))

    def _attribute(self, declared: etree._Element) -> Attribute:
        _expect(declared, "name", "type", "use", "fixed")
        if _local(declared) != "attribute" or declared.get("use") == "prohibited":
            raise Unsupported(f"<{_local(declared)}>")
        inner, name, fixed = _children(declared), declared.get("type"), declared.get("fixed")
        text = self._text(inner[0]) if name is None else self._named_text(declared, name)
        if fixed is not None:
            text = _that_fits(text, literal(fixed))
        required = declared.get("use") == "required"
        return Attribute(declared.get("name", ""), self._number(text), required)

    def _content(self, group: etree._Element) -> Type:
        children: list[Child] = []
        expression = self._expression(group, children)
        names = [child.name for child in children]
        if len(set(names)) < len(names):
            raise Unsupported("a name with two types")
        if not children:
            return Type()
        return Type(content=automaton(expression, len(children)), children=tuple(children))

    def _expression(self, particle: etree._Element, children: list[Child]) -> Expression:
        _expect(particle, "name", "type", "ref", "minOccurs", "maxOccurs")
        least, most = int(particle.get("minOccurs", "1")), particle.get("maxOccurs", "1")
        at_most = None if most == "unbounded" else int(most)
        if _local(particle) in _GROUPS:
            parts = tuple(self._expression(each, children) for each in _children(particle))
            what: Expression = Sequence(parts) if _local(particle) == "sequence" else Choice(parts)
            if at_most is not None and at_most > _FEW:
                raise Unsupported(f"a group {at_most} times")
            return Repeat(what, least, at_most)
        if _local(particle) != "element":
            raise Unsupported(f"<{_local(particle)}>")
        number, counted = self._child(particle, at_most, children)
        return Repeat(OneOf(1 << number), least, None if counted else at_most)

    def _child(
        self, particle: etree._Element, most: int | None, children: list[Child]
    ) -> tuple[int, bool]:
        """The symbol of an element, and whether `most` is left to counting."""
        name, type_number = self._declared(particle)
        counted = most is not None and most > _FEW
        child = Child(name, type_number, most if counted else None)
        if child in children and not counted:
            return children.index(child), counted
        children.append(child)
        return len(children) - 1, counted

    def _declared(self, particle: etree._Element) -> tuple[Name, int]:
        reference = particle.get("ref")
        if reference is not None:
            name = self._qname(particle, reference)
            return name, self.type_of(self.elements[name]) if name in self.elements else NOT_KNOWN
        return (self._namespace(particle), particle.get("name", "")), self.type_of(particle)

    def _number(self, text: Text) -> int:
        if text not in self._text_numbers:
            self._text_numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._text_numbers[text]

    def _text(self, declared: etree._Element) -> Text:
        if declared not in self._texts:
            self._texts[declared] = self._restricted(declared)
        return self._texts[declared]

    def _restricted(self, declared: etree._Element) -> Text:
        (restriction,) = _children(declared)
        base = restriction.get("base")
        if _local(restriction) != "restriction" or base is None:
            raise Unsupported(f"<{_local(restriction)}>")
        text = self._named_text(restriction, base)
        patterns: list[Expression] = []
        values: list[Expression] = []
        for facet in _children(restriction):
            value = facet.get("value", "")
            match _local(facet):
                case "length" if text.is_base64:
                    text = _that_fits(text, pattern(_base64(int(value))))
                case "length" | "minLength" | "maxLength" if text.is_base64:
                    raise Unsupported(f"base64 of {value} octets or so")
                case "pattern":
                    patterns.append(pattern(value))
                case "enumeration":
                    values.append(literal(value))
                case "minLength":
                    text = _no_shorter(text, int(value))
                case "maxLength":
                    text = _no_longer(text, int(value))
                case "length":
                    text = _no_longer(_no_shorter(text, int(value)), int(value))
                case "whiteSpace" if value in ("preserve", "collapse"):
                    text = replace(text, collapses=text.collapses or value == "collapse")
                case other:
                    raise Unsupported(f"<{other} value={value!r}>")
        for any_of in (patterns, values):
            if any_of:
                text = _that_fits(text, Choice(tuple(any_of)))
        return text

    def _named_text(self, where: etree._Element, name: str) -> Text:
        found = self._named.get(self._qname(where, name))
        if found is None:
            return self._builtin(where, name)
        if _local(found) != "simpleType":
            raise Unsupported(f"{name} is no text")
        return self._text(found)

    def _namespace(self, declared: etree._Element) -> str:
        """Of what is declared there."""
        return self._namespaces[declared.getroottree().getroot()]

    def _qname(self, where: etree._Element, name: str) -> Name:
        prefix, _, local = name.rpartition(":")
        namespace = where.nsmap.get(prefix or None)
        return self._namespace(where) if namespace is None else namespace, local

    def _builtin(self, where: etree._Element, name: str) -> Text:
        namespace, local = self._qname(where, name)
        if namespace != XSD or local not in _BUILTIN:
            raise Unsupported(f"type {name}")
        return _BUILTIN[local]


def _that_fits(text: Text, expression: Expression) -> Text:
    return replace(text, automata=(*text.automata, automaton(expression, SYMBOLS)))


def _no_shorter(text: Text, least: int) -> Text:
    return replace(text, least=max(text.least, least))


def _no_longer(text: Text, most: int) -> Text:
    return replace(text, most=most if text.most is None else min(text.most, most))


def _builtin(expression: str) -> Text:
    return Text(collapses=True, automata=(automaton(pattern(expression), SYMBOLS),))


_BASE64 = "[A-Za-z0-9+/]"
_ONE_OCTET = f"{_BASE64}[AQgw]=="
_TWO_OCTETS = f"{_BASE64}{{2}}[AEIMQUYcgkosw048]="


def _base64(octets: int) -> str:
    """The pattern of so many, as they are written canonically (RFC 4648, 4)."""
    rest = ("", _ONE_OCTET, _TWO_OCTETS)[octets % 3]
    return f"({_BASE64}{{4}}){{{octets // 3}}}{rest}"


# Of these types, the writings that nobody doubts.
_BUILTIN = {
    "string": Text(),
    "token": Text(collapses=True),
    "ID": replace(_builtin(r"[A-Za-z_][A-Za-z0-9_.\-]*"), is_id=True),
    "anyURI": _builtin(r"[A-Za-z0-9#:/._\-]*"),
    "base64Binary": replace(
        _builtin(f"({_BASE64}{{4}})*({_ONE_OCTET}|{_TWO_OCTETS})?"), is_base64=True
    ),
}


def _put(known: dict[Name, etree._Element], name: Name, declared: etree._Element) -> None:
    if name in known:
        raise Unsupported(f"{name} is declared twice")
    known[name] = declared


def _unique(element: etree._Element) -> str | None:
    found = [each for each in _children(element) if _local(each) == "unique"]
    if not found:
        return None
    selector, field = _children(found[0])
    path = field.get("xpath", "")
    if len(found) > 1 or selector.get("xpath") != "./*" or not path.startswith("@"):
        raise Unsupported("a unique of another form")
    return path[1:]


def _expect(declared: etree._Element, *known: str) -> None:
    """That it says nothing but what is known."""
    more = set(declared.keys()) - set(known)
    if more:
        raise Unsupported(f"<{_local(declared)}> with {', '.join(map(str, more))}")


def _children(element: etree._Element) -> list[etree._Element]:
    return list(_worth_reading(element))


def _worth_reading(element: etree._Element) -> Iterator[etree._Element]:
    for each in element.iterchildren(etree.Element):
        if not each.tag.startswith(_X):
            raise Unsupported(f"<{each.tag}>")
        if _local(each) not in _LEFT_ALONE:
            yield each


def _local(element: etree._Element) -> str:
    return str(element.tag).removeprefix(_X)
