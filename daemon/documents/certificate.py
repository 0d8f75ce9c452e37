"""What a certificate of ICP-Brasil says: its key, and the CNPJ or CPF that it was issued to."""

import re
import warnings
from base64 import b64decode
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID, ObjectIdentifier

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
def certificate_from(base64: str) -> Certificate | str:
    """Reads a certificate; what is wrong with it, where it cannot be read."""
    if len(base64) > _MAX_LENGTH:
        return f"it has {len(base64):,} characters, expected at most {_MAX_LENGTH:,}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oddities that do not concern the key
        try:
            certificate = x509.load_der_x509_certificate(b64decode(base64, validate=True))
            key = certificate.public_key()
            owners = _owners(certificate)
        except (ValueError, UnsupportedAlgorithm, TypeError):
            return "it is no X.509 certificate in base64"
    if not isinstance(key, RSAPublicKey):
        return "its key is not RSA"
    if key.key_size > _MAX_KEY_BITS:
        return f"its key has {key.key_size:,} bits, expected at most {_MAX_KEY_BITS:,}"
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
