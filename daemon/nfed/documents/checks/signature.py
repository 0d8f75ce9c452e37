"""Checks XML signatures of fiscal documents (xmldsig; MOC 7.0, Visão Geral, 4.2.5).

A signed element (`infNFe`, `infEvento`, `infInut`, `infCte`) and its `Signature` are children of
one parent. What is digested here is the very element that was read, never one that an Id is
looked up for, so that no copy elsewhere in the file can stand in for it. Neither the chain of the
certificate nor its revocation is looked at.
"""

import hashlib
import re
import warnings
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID, ObjectIdentifier
from lxml import etree

from nfed.documents.checks import Finding
from nfed.documents.checks.canonical import Method, canonical_forms, method_of
from nfed.words import Message

_CNPJ = ObjectIdentifier("2.16.76.1.3.3")  # DOC-ICP-04, 7.1.2.3
_CPF = ObjectIdentifier("2.16.76.1.3.1")
_CNPJ_VALUE = re.compile(rb"[0-9A-Z]{12}[0-9]{2}\Z")
_CPF_VALUE = re.compile(rb"[0-9]{8}([0-9]{11})")
"""The holder's date of birth, the CPF, and more that is left alone."""
_NAME_VALUE = re.compile(r":([0-9A-Z]{12}[0-9]{2}|[0-9]{11})\Z")
_MAX_LENGTH = 16_384  # of the base64; real ones have about 2,700
_MAX_KEY_BITS = 8192  # a certificate of ICP-Brasil has 2048 or 4096


@dataclass(frozen=True, slots=True)
class Certificate:
    """The part of a certificate that a signature is checked with."""

    key: RSAPublicKey
    owners: tuple[str, ...]
    """The CNPJ (14 characters) or CPF (11), from the SAN, else from the common name."""


# An issuer signs all its notes with one certificate, and a drop folder holds those of a few
# hundred issuers. The bound keeps a flood of made-up ones from filling the memory.
@lru_cache(maxsize=256)
def certificate_from(base64: str) -> Certificate | Message:
    """Reads a certificate; what is wrong with it, where it cannot be read."""
    if len(base64) > _MAX_LENGTH:
        return Message(
            "it has {length:,} characters, expected at most {most:,}",
            length=len(base64),
            most=_MAX_LENGTH,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oddities that do not concern the key
        try:
            certificate = x509.load_der_x509_certificate(b64decode(base64, validate=True))
            key = certificate.public_key()
            owners = _owners(certificate)
        except (ValueError, UnsupportedAlgorithm, TypeError):
            return Message("it is no X.509 certificate in base64")
    if not isinstance(key, RSAPublicKey):
        return Message("its key is not RSA")
    if key.key_size > _MAX_KEY_BITS:
        return Message(
            "its key has {bits:,} bits, expected at most {most:,}",
            bits=key.key_size,
            most=_MAX_KEY_BITS,
        )
    return Certificate(key, owners)


def _owners(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        others = alternative.value.get_values_for_type(x509.OtherName)
        found = [owner for other in others if (owner := _owner(other))]
    except (
        ValueError,
        x509.DuplicateExtension,
        x509.ExtensionNotFound,
        x509.UnsupportedGeneralNameType,
    ):
        found = []
    return tuple(dict.fromkeys(found)) or _owners_by_name(certificate)


def _owner(other: x509.OtherName) -> str | None:
    """From the value's octets: a string type's tag and length stand before the text."""
    text = other.value[2:] if len(other.value) > 2 and other.value[1] < 128 else b""
    if other.type_id == _CNPJ and _CNPJ_VALUE.match(text):
        return text.decode("ascii")
    if other.type_id == _CPF and (match := _CPF_VALUE.match(text)) and int(match[1]):
        return match[1].decode("ascii")
    return None


def _owners_by_name(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ()
    found = (_NAME_VALUE.search(str(name.value).strip()) for name in names)
    return tuple(match[1] for match in found if match)


_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_DIGESTS: dict[str, Callable[[bytes], "hashlib._Hash"]] = {
    "http://www.w3.org/2000/09/xmldsig#sha1": hashlib.sha1,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
}
_SIGNATURES: dict[str, hashes.HashAlgorithm] = {
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": hashes.SHA1(),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": hashes.SHA256(),
}
_INCLUSIVE = Method()
_PADDING = PKCS1v15()
_MAX_CERTIFICATES = 5
_SAME_ID = etree.XPath("count(/descendant::*/@Id[. = $id])")


@dataclass(frozen=True, slots=True)
class _Signature:
    """The parts of a Signature, as text."""

    document: etree._Element
    """The parent of both the signed element and the Signature."""
    signed_info: etree._Element
    signed_info_method: Method
    content_method: Method
    digest: Callable[[bytes], "hashlib._Hash"]
    digest_value: bytes
    hash_algorithm: hashes.HashAlgorithm
    value: bytes
    certificates: tuple[str, ...]
    """Base64, blanks taken out."""


class _Children:
    """An element's children by tag, looked through once."""

    def __init__(self, parent: etree._Element) -> None:
        self._parent = parent
        self._by_tag: dict[str, list[etree._Element]] = {}
        for each in parent:
            self._by_tag.setdefault(each.tag, []).append(each)

    def only(self, name: str) -> etree._Element:
        """The child of that name; raises _FormError unless there is one."""
        found = self._by_tag.get(f"{_DSIG}{name}", ())
        if len(found) != 1:
            raise _FormError(
                Message(
                    "<{parent}> holds {count} <{name}>, expected 1",
                    parent=_local(self._parent),
                    count=len(found),
                    name=name,
                )
            )
        return found[0]


class _FormError(ValueError):
    """Says what was found and what was expected."""


def signature_findings(
    signed: etree._Element, issuer: str | None, protocol_digest: str | None = None
) -> list[Finding]:
    """Finds what is wrong with the signature of an element.

    `issuer` is the CNPJ or CPF that must own the certificate, None for a document that somebody
    else signs for its issuer; `protocol_digest` is what the tax office says that it digested.
    """
    parent = signed.getparent()
    found = [] if parent is None else list(parent.iterchildren(f"{_DSIG}Signature"))
    if not found:
        text = Message(
            "no <Signature> beside <{signed}>; expected one (xmldsig)", signed=_local(signed)
        )
        return [Finding("SIG-MISSING", text), *_against_protocol(signed, protocol_digest)]
    try:
        if len(found) > 1:
            raise _FormError(
                Message(
                    "{count} Signatures beside <{signed}>, expected 1",
                    count=len(found),
                    signed=_local(signed),
                )
            )
        assert parent is not None
        signature = _read(found[0], signed, parent)
    except _FormError as error:
        return [Finding("SIG-FORM", str(error))]
    return [
        *_digest_findings(signed, signature, protocol_digest),
        *_value_findings(signature, issuer),
    ]


def _digest_findings(
    signed: etree._Element, signature: _Signature, protocol_digest: str | None
) -> Iterator[Finding]:
    wanted = signature.digest_value
    if not any(
        signature.digest(form).digest() == wanted
        for form in canonical_forms(signed, signature.content_method, signature.document)
    ):
        yield Finding(
            "SIG-DIGEST",
            Message(
                "<{signed}> was changed after it was signed: its digest is "
                "not the DigestValue of its Signature",
                signed=_local(signed),
            ),
        )
    if protocol_digest and _decoded(protocol_digest) != wanted:
        yield Finding(
            "SIG-PROTOCOL",
            Message(
                "the protocol's digVal is {protocol_digest!r}, which is not "
                "the DigestValue of the Signature",
                protocol_digest=protocol_digest.strip(),
            ),
        )


def _value_findings(signature: _Signature, issuer: str | None) -> Iterator[Finding]:
    read = [certificate_from(each) for each in signature.certificates]
    certificates = [each for each in read if isinstance(each, Certificate)]
    if not certificates:
        reason = next(
            (each for each in read if isinstance(each, Message)), Message("there is none")
        )
        yield Finding(
            "SIG-CERT",
            Message("no usable <X509Certificate> in the Signature: {reason}", reason=reason),
        )
        return
    forms = canonical_forms(signature.signed_info, signature.signed_info_method, signature.document)
    signer = next(
        (each for form in forms for each in certificates if _verifies(each, signature, form)),
        None,
    )
    if signer is None:
        yield Finding(
            "SIG-VALUE", Message("the SignatureValue was not made with the key of the certificate")
        )
        return
    if issuer is None:
        return
    if not signer.owners:
        yield Finding("SIG-CERT-CNPJ", Message("the certificate names neither a CNPJ nor a CPF"))
    elif not any(_same_owner(owner, issuer) for owner in signer.owners):
        yield Finding(
            "SIG-ISSUER",
            Message(
                "the certificate belongs to {owners}, the issuer is {issuer}",
                owners=", ".join(signer.owners),
                issuer=issuer,
            ),
        )


def _verifies(certificate: Certificate, signature: _Signature, signed_info: bytes) -> bool:
    try:
        certificate.key.verify(signature.value, signed_info, _PADDING, signature.hash_algorithm)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _same_owner(owner: str, issuer: str) -> bool:
    """A company signs with the certificate of any of its establishments: eight characters."""
    return owner[:8] == issuer[:8] if len(owner) == len(issuer) == 14 else owner == issuer


def _against_protocol(signed: etree._Element, protocol_digest: str | None) -> Iterator[Finding]:
    """Without a Signature the protocol's digest (SHA-1) still vouches for the content."""
    if not protocol_digest:
        return
    wanted = _decoded(protocol_digest)
    document = signed.getparent()
    forms = canonical_forms(signed, _INCLUSIVE, signed if document is None else document)
    if all(hashlib.sha1(form).digest() != wanted for form in forms):
        yield Finding(
            "SIG-PROTOCOL",
            Message(
                "the protocol's digVal is {protocol_digest!r}, which is not "
                "the digest of <{signed}>",
                protocol_digest=protocol_digest.strip(),
                signed=_local(signed),
            ),
        )


def _read(
    signature: etree._Element, signed: etree._Element, document: etree._Element
) -> _Signature:
    """Raises _FormError for whatever the manual does not allow."""
    parts = _Children(signature)
    signed_info = parts.only("SignedInfo")
    said = _Children(signed_info)
    reference = said.only("Reference")
    _check_target(reference, signed)
    referred = _Children(reference)
    return _Signature(
        document=document,
        signed_info=signed_info,
        signed_info_method=_method(said.only("CanonicalizationMethod")),
        content_method=_transforms(referred.only("Transforms")),
        digest=_known(_DIGESTS, referred.only("DigestMethod")),
        digest_value=_decoded(referred.only("DigestValue").text),
        hash_algorithm=_known(_SIGNATURES, said.only("SignatureMethod")),
        value=_decoded(parts.only("SignatureValue").text),
        certificates=tuple(
            "".join((each.text or "").split())
            for each in islice(signature.iter(f"{_DSIG}X509Certificate"), _MAX_CERTIFICATES)
        ),
    )


def _check_target(reference: etree._Element, signed: etree._Element) -> None:
    own = signed.get("Id")
    uri = reference.get("URI")
    if not own or uri != f"#{own}":
        raise _FormError(
            Message(
                "the Signature's reference points at {uri!r}, expected "
                "'#{own}', the Id of <{signed}>",
                uri=uri,
                own=own or "",
                signed=_local(signed),
            )
        )
    count = int(str(_SAME_ID(signed, id=own)).partition(".")[0])
    if count != 1:
        raise _FormError(
            Message("{count} elements have the Id {own}, expected 1", count=count, own=own)
        )


def _transforms(parent: etree._Element) -> Method:
    """Enveloped first, then at most one C14N; without one it is the inclusive (4.4.3.2)."""
    transforms = list(parent.iterchildren(f"{_DSIG}Transform"))
    names = [each.get("Algorithm", "") for each in transforms]
    if names[:1] == [_ENVELOPED] and len(names) <= 2:
        return _method(transforms[1]) if len(names) == 2 else _INCLUSIVE
    raise _FormError(
        Message(
            "the Signature's transforms are {names}, expected enveloped-signature and C14N",
            names=names,
        )
    )


def _method(element: etree._Element) -> Method:
    method = method_of(element)
    if method is None:
        raise _FormError(
            Message(
                "<{element}> names {algorithm!r}, expected C14N 1.0 or the exclusive one",
                element=_local(element),
                algorithm=element.get("Algorithm"),
            )
        )
    return method


def _known[T](known: dict[str, T], element: etree._Element) -> T:
    name = element.get("Algorithm", "")
    if name not in known:
        raise _FormError(
            Message(
                "<{element}> names {name!r}, expected {known}",
                element=_local(element),
                name=name,
                known=" or ".join(known),
            )
        )
    return known[name]


def _decoded(text: str | None) -> bytes:
    """Base64 to bytes; empty for what is none, which then equals no digest."""
    try:
        return b64decode("".join((text or "").split()), validate=True)
    except (NotBase64, ValueError):
        return b""


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
