"""Writes the canonical bytes of an element (C14N 1.0, inclusive or exclusive)."""

import re
from base64 import b64encode
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha1

from lxml import etree

_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_DECLARATION = re.compile(r"\ufeff?\s*<\?xml\s[^>]*\?>\s*")
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, collect_ids=False
)


@dataclass(frozen=True, slots=True)
class Method:
    """A way to write an element canonically."""

    exclusive: bool = False
    with_comments: bool = False
    prefixes: tuple[str, ...] = ()
    """Of the exclusive: what it treats as the inclusive does."""


def method_of(element: etree._Element) -> Method | None:
    """The method that a Transform or CanonicalizationMethod names; None for an unknown one."""
    name = element.get("Algorithm", "")
    with_comments = name.endswith("WithComments")
    if name in (_INCLUSIVE, f"{_INCLUSIVE}#WithComments"):
        return Method(with_comments=with_comments)
    if name in (_EXCLUSIVE, f"{_EXCLUSIVE}WithComments"):
        listed = element.find(f"{{{_EXCLUSIVE}}}InclusiveNamespaces")
        prefixes = "" if listed is None else listed.get("PrefixList", "")
        return Method(True, with_comments, tuple(prefixes.split()))
    return None


def canonical_forms(
    element: etree._Element, method: Method, document: etree._Element
) -> Iterator[bytes]:
    """The canonical bytes of an element: as it stands in its file, then as its issuer had it.

    Issuers sign a `document` on its own; a wrapper such as nfeProc, put around it later, may bring
    namespaces into scope that the inclusive method writes and the signer did not see. So the
    element is also tried without them. Nothing that it says differs between the forms. An element
    that has no canonical form, as one with a relative namespace name, yields none.
    """
    try:
        yield from _forms(element, method, document)
    except (etree.C14NError, etree.XMLSyntaxError):
        return


def digest_signed(element: etree._Element, protocol_digest: str | None = None) -> str | None:
    """The DigestValue written in the Signature beside an element, base64 without blanks.

    Without a Signature: the element's SHA-1, which the tax office digests; of its canonical forms
    the one of `protocol_digest`, else the first. None for an element without any.
    """
    found = element.getparent()
    for name in ("Signature", "SignedInfo", "Reference", "DigestValue"):
        found = None if found is None else next(found.iterchildren(f"{{*}}{name}"), None)
        if found is None and name == "Signature":
            break
    else:
        return None if found is None else "".join((found.text or "").split()) or None
    document = element.getparent()
    forms = canonical_forms(element, Method(), element if document is None else document)
    first = None
    for form in forms:  # each costs as much as reading the element: none is made without need
        digest = b64encode(sha1(form).digest()).decode()
        if not protocol_digest or digest == protocol_digest:
            return digest
        first = first or digest
    return first


def faithful(element: etree._Element, text: str) -> etree._Element:
    """The element in a tree of the same text that keeps comments and processing instructions.

    C14N writes processing instructions, which the reader leaves out. `text` is that of the
    element's whole document; where the element is not in it, it is returned itself.
    """
    tree = element.getroottree()
    try:
        root = etree.fromstring(_DECLARATION.sub("", text, count=1).encode(), _PARSER)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return element
    # By names in full: a prefix of the file means nothing to an XPath.
    found = root.find(tree.getelementpath(element)) if root.tag == tree.getroot().tag else None
    return element if found is None else found


def _places(element: etree._Element, ancestor: etree._Element) -> list[int]:
    places: list[int] = []
    while element is not ancestor:
        parent = element.getparent()
        assert parent is not None
        places.insert(0, parent.index(element))
        element = parent
    return places


def _forms(element: etree._Element, method: Method, document: etree._Element) -> Iterator[bytes]:
    if method.exclusive:
        yield _written(element, method)
        return
    if len(element.nsmap) == 1:
        # With one namespace in scope, which the element uses, both methods write the same; the
        # exclusive one needs no copy.
        yield _written(element, Method(exclusive=True, with_comments=method.with_comments))
    yield _written(_alone(element), method)
    outer = document.getparent()
    if outer is not None and len(outer.nsmap) > 1:
        # A copy declares what the document declares and uses, and nothing else.
        unwrapped = deepcopy(document)
        for place in _places(element, document):
            unwrapped = unwrapped[place]
        yield _written(_alone(unwrapped), method)


def _alone(element: etree._Element) -> etree._Element:
    """The element as a document of its own, with every namespace that was in its scope.

    libxml2 writes a false xmlns="" below an element whose default namespace comes from outside of
    what is canonicalised, so that has to be the root of its document.
    """
    return etree.fromstring(etree.tostring(element, with_tail=False), _PARSER)


def _written(element: etree._Element, method: Method) -> bytes:
    return etree.tostring(
        element,
        method="c14n",
        exclusive=method.exclusive,
        with_comments=method.with_comments,
        inclusive_ns_prefixes=list(method.prefixes) or None,
        with_tail=False,
    )
