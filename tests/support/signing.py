"""Signs whatever a test needs signed: any element, method, context and certificate."""

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from lxml import etree

DSIG = "http://www.w3.org/2000/09/xmldsig#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
CNPJ_OID = "2.16.76.1.3.3"
CPF_OID = "2.16.76.1.3.1"
_HASHES = {"sha1": (hashes.SHA1(), hashlib.sha1), "sha256": (hashes.SHA256(), hashlib.sha256)}
_MORE = "http://www.w3.org/2001/04/"


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(name: str, others: dict[str, str] | None = None, tag: int = 0x13) -> str:
    """A self-signed one, DER in base64; `others` are otherNames of the SAN by their OID."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key().public_key())
        .serial_number(7)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2025, 1, 1, tzinfo=UTC))
    )
    if others:
        names = [
            x509.OtherName(ObjectIdentifier(oid), bytes([tag, len(value)]) + value.encode())
            for oid, value in others.items()
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(key(), hashes.SHA256())
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


def canonical(element: etree._Element, algorithm: str) -> bytes:
    """What a correct implementation writes: the element is the root of its document."""
    alone = etree.fromstring(etree.tostring(element, with_tail=False))
    return etree.tostring(
        alone,
        method="c14n",
        exclusive=algorithm.startswith(EXCLUSIVE),
        with_comments=algorithm.endswith("WithComments"),
    )


def sign(
    signed: etree._Element,
    certificates: list[str],
    *,
    method: str = "sha1",
    c14n: str = INCLUSIVE,
    transforms: list[str] | None = None,
    uri: str | None = None,
    references: int = 1,
    prefix: str = "",
) -> None:
    """Puts a Signature after the element, made in the place where the element stands now."""
    parent = signed.getparent()
    algorithm, digest = _HASHES[method]
    value = base64.b64encode(digest(canonical(signed, c14n)).digest()).decode()
    digests = {"sha1": f"{DSIG}sha1", "sha256": f"{_MORE}xmlenc#sha256"}
    methods = {"sha1": f"{DSIG}rsa-sha1", "sha256": f"{_MORE}xmldsig-more#rsa-sha256"}
    applied = [f"{DSIG}enveloped-signature", c14n] if transforms is None else transforms
    target = f"#{signed.get('Id')}" if uri is None else uri
    reference = (
        f'<Reference URI="{target}"><Transforms>'
        + "".join(f'<Transform Algorithm="{each}"/>' for each in applied)
        + f'</Transforms><DigestMethod Algorithm="{digests[method]}"/>'
        f"<DigestValue>{value}</DigestValue></Reference>"
    )
    text = (
        f'<Signature xmlns="{DSIG}"><SignedInfo><CanonicalizationMethod Algorithm="{c14n}"/>'
        f'<SignatureMethod Algorithm="{methods[method]}"/>{reference * references}</SignedInfo>'
        "<SignatureValue/><KeyInfo><X509Data>"
        + "".join(f"<X509Certificate>{each}</X509Certificate>" for each in certificates)
        + "</X509Data></KeyInfo></Signature>"
    )
    if prefix:
        text = text.replace("</", f"</{prefix}:").replace("<", f"<{prefix}:")
        text = text.replace(f"<{prefix}:/{prefix}:", f"</{prefix}:")
        text = text.replace("xmlns=", f"xmlns:{prefix}=")
    signature = etree.fromstring(text)
    parent.insert(parent.index(signed) + 1, signature)
    signed_info = signature.find(f"{{{DSIG}}}SignedInfo")
    octets = key().sign(canonical(signed_info, c14n), padding.PKCS1v15(), algorithm)
    signature.find(f"{{{DSIG}}}SignatureValue").text = base64.b64encode(octets).decode()
