"""Keys, certificates, signatures and protocols of the generated notes.

The signature is that of a real NF-e: enveloped, C14N 1.0 inclusive, SHA-1 digest, RSA-SHA1.
"""

import base64
import hashlib
import random
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from lxml import etree

from bench.generator_cadastro import Emitente
from bench.generator_campos import tags

NFE = "http://www.portalfiscal.inf.br/nfe"
_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"

MOTIVOS = {
    "100": "Autorizado o uso da NF-e",
    "101": "Cancelamento de NF-e homologado",
    "110": "Uso Denegado",
    "150": "Autorizado o uso da NF-e, autorização fora de prazo",
    "151": "Cancelamento de NF-e homologado fora de prazo",
    "204": "Rejeição: Duplicidade de NF-e",
    "225": "Rejeição: Falha no Schema XML da NFe",
    "301": "Uso Denegado: Irregularidade fiscal do emitente",
    "302": "Uso Denegado: Irregularidade fiscal do destinatário",
    "303": "Uso Denegado: Destinatário não habilitado a operar na UF",
    "539": "Rejeição: Duplicidade de NF-e, com diferença na Chave de Acesso",
}

# One answer of an ICP-Brasil certificate: its CNPJ, in an otherName of the SAN (DOC-ICP-04).
_CNPJ_OID = ObjectIdentifier("2.16.76.1.3.3")
_RESPONSIBLE_OID = ObjectIdentifier("2.16.76.1.3.2")

_SIGNATURE = re.compile(
    rb'<Signature xmlns="http://www\.w3\.org/2000/09/xmldsig#">.*?</Signature>', re.S
)
_CERTIFICATE = re.compile(rb"<X509Certificate>([^<]*)</X509Certificate>")
_BARE = re.compile(rb"<NFe\b.*</NFe>", re.S)
_KEY_OF_THE_NOTE = re.compile(rb'<infNFe\b[^>]*\bId="NFe([0-9A-Z]{44})"')
_ISSUED_AT = re.compile(rb"<dhEmi>([^<]*)</dhEmi>")
_DIGEST = re.compile(rb"<DigestValue>([^<]*)</DigestValue>")
_KEY_IN_THE_PROTOCOL = re.compile(rb"<chNFe>[^<]*</chNFe>(?=<dhRecbto>)")
_DIGEST_IN_THE_PROTOCOL = re.compile(rb"<digVal>[^<]*</digVal>")


class Signer:
    """One RSA key, and a self-signed certificate for every issuer."""

    def __init__(self, seed: int, issuers: tuple[Emitente, ...]) -> None:
        self._private_key = _rsa_key(seed)
        self._certificates = {
            issuer.cnpj: _certificate(seed, issuer.nome, issuer.certificado_cnpj, self._private_key)
            for issuer in issuers
        }
        self._seed = seed

    def signature(self, inf_nfe: bytes, chave: str, certificate: str) -> tuple[str, str]:
        """The `<Signature>` over a canonical infNFe, and the DigestValue in it."""
        digest = base64.b64encode(hashlib.sha1(inf_nfe, usedforsecurity=False).digest()).decode()
        signed_info = (
            f'<CanonicalizationMethod Algorithm="{_C14N}"></CanonicalizationMethod>'
            f'<SignatureMethod Algorithm="{_DSIG}rsa-sha1"></SignatureMethod>'
            f'<Reference URI="#NFe{chave}"><Transforms>'
            f'<Transform Algorithm="{_DSIG}enveloped-signature"></Transform>'
            f'<Transform Algorithm="{_C14N}"></Transform></Transforms>'
            f'<DigestMethod Algorithm="{_DSIG}sha1"></DigestMethod>'
            f"<DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
        )
        value = self.sign(f'<SignedInfo xmlns="{_DSIG}">{signed_info}'.encode())
        return (
            f'<Signature xmlns="{_DSIG}"><SignedInfo>{signed_info}'
            f"<SignatureValue>{value}</SignatureValue><KeyInfo><X509Data>"
            f"<X509Certificate>{certificate}</X509Certificate>"
            "</X509Data></KeyInfo></Signature>"
        ), digest

    def sign(self, octets: bytes) -> str:
        """RSA-SHA1 of the octets, in base64."""
        value = self._private_key.sign(octets, padding.PKCS1v15(), hashes.SHA1())
        return base64.b64encode(value).decode()

    def certificate(self, issuer_cnpj: str) -> str:
        """The certificate of the issuer, DER in base64, as it stands in the signature."""
        return self._certificates[issuer_cnpj]

    def certificate_of_provider(self, cnpj: str) -> str:
        """The same of a provider of signatures (infPAA)."""
        if cnpj not in self._certificates:
            made = _certificate(self._seed, "Provedor de Assinatura", cnpj, self._private_key)
            self._certificates[cnpj] = made
        return self._certificates[cnpj]

    def resign(self, xml: bytes) -> bytes:
        """The document with its signature made good again after an edit of infNFe.

        Takes an NFe or an nfeProc. The certificate stays; a protocol gets the new digest and
        the key that the edited infNFe/@Id names.
        """
        root = etree.fromstring(xml)
        inf_nfe = root.find(f".//{{{NFE}}}infNFe")
        found = list(_SIGNATURE.finditer(xml))
        if inf_nfe is None or not found:
            raise ValueError("nothing to sign: expected an infNFe and a Signature after it")
        certificate = _CERTIFICATE.search(found[-1].group())
        if certificate is None:
            raise ValueError("the Signature has no X509Certificate")
        chave = str(inf_nfe.get("Id"))[3:]
        # libxml2 adds xmlns="" below a node that inherits its default namespace from outside
        # the subtree, so the subtree is made a document of its own first.
        alone = etree.fromstring(etree.tostring(inf_nfe, with_tail=False))
        canonical = etree.tostring(alone, method="c14n")
        signature, digest = self.signature(canonical, chave, certificate.group(1).decode())
        signed = xml[: found[-1].start()] + signature.encode() + xml[found[-1].end() :]
        signed = _KEY_IN_THE_PROTOCOL.sub(tags(chNFe=chave).encode(), signed)
        return _DIGEST_IN_THE_PROTOCOL.sub(tags(digVal=digest).encode(), signed)


def with_protocol(
    xml: bytes,
    c_stat: str = "100",
    x_motivo: str | None = None,
    *,
    late: timedelta = timedelta(seconds=2),
) -> bytes:
    """The NFe wrapped into an nfeProc that answers with this cStat.

    `xml` is a bare NFe, or an nfeProc whose own protocol is then dropped. `late` is how long
    after dhEmi the answer came. Without `x_motivo` the text belongs to the code.
    """
    nfe = _BARE.search(xml)
    if nfe is None:
        raise ValueError("no <NFe> to wrap")
    chave, issued_at = _KEY_OF_THE_NOTE.search(nfe.group()), _ISSUED_AT.search(nfe.group())
    digests = _DIGEST.findall(nfe.group())
    if chave is None or issued_at is None or not digests:
        raise ValueError("the NFe lacks its Id, its dhEmi or its DigestValue")
    prot = protocol(
        chave.group(1).decode(),
        digests[-1].decode(),
        received=datetime.fromisoformat(issued_at.group(1).decode()) + late,
        c_stat=c_stat,
        x_motivo=x_motivo,
    )
    return nfe_proc(nfe.group().decode(), prot).encode()


def protocol(
    chave: str,
    digest: str,
    *,
    received: datetime,
    c_stat: str = "100",
    x_motivo: str | None = None,
    ident: bool = False,
    message: bool = False,
) -> str:
    """A `<protNFe>`. A rejection (cStat 2xx and up, but 30x) has no protocol number.

    `ident` adds infProt/@Id, `message` the pair cMsg and xMsg; the schema asks for neither.
    """
    numbered = c_stat < "200" or c_stat in ("301", "302", "303")
    n_prot = f"1{chave[:2]}{received:%y}{chave[25:34]}{chave[20]}" if numbered else None
    inside = tags(
        tpAmb="2",
        verAplic="NFED_PL_010",
        chNFe=chave,
        dhRecbto=received.isoformat(),
        nProt=n_prot,
        digVal=digest,
        cStat=c_stat,
        xMotivo=x_motivo or MOTIVOS.get(c_stat, "Motivo não informado"),
    )
    inside += tags(cMsg="200", xMsg="Mensagem do fisco & avisos <teste>") if message else ""
    attribute = f' Id="NFe{n_prot}"' if ident and n_prot else ""
    return f'<protNFe versao="4.00"><infProt{attribute}>{inside}</infProt></protNFe>'


def nfe_proc(nfe: str, prot: str) -> str:
    """The nfeProc around an NFe without XML declaration and a protocol."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<nfeProc xmlns="{NFE}" versao="4.00">{nfe}{prot}</nfeProc>'
    )


@lru_cache(maxsize=8)
def _rsa_key(seed: int) -> rsa.RSAPrivateKey:
    """A 2048-bit key that depends on nothing but the seed. It protects nothing."""
    dice = random.Random(f"nfed/{seed}/rsa")
    p, q = _prime(dice), _prime(dice)
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    ).private_key()


_SMALL_PRIMES = tuple(n for n in range(3, 4000, 2) if all(n % d for d in range(3, 64, 2) if d < n))


def _prime(dice: random.Random) -> int:
    """A number of 1024 bits that passes Fermat's test; made to sign test data, not to keep it."""
    while True:
        # The two highest bits are set, so that the product has all of its 2048 bits.
        candidate = dice.getrandbits(1024) | (3 << 1022) | 1
        if any(candidate % small == 0 for small in _SMALL_PRIMES) or candidate % 65537 == 1:
            continue
        if pow(2, candidate - 1, candidate) == 1 and pow(3, candidate - 1, candidate) == 1:
            return candidate


def _certificate(seed: int, name: str, cnpj: str, key: rsa.RSAPrivateKey) -> str:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "BR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ICP-Brasil"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certificado de teste A1"),
            # A common name holds 64 characters, of which the CNPJ and its colon take 15.
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:49].upper()}:{cnpj}"),
        ]
    )
    alternative = x509.SubjectAlternativeName(
        [
            x509.RFC822Name("fiscal@example.com.br"),
            x509.OtherName(_RESPONSIBLE_OID, _printable("RESPONSAVEL DE TESTE")),
            x509.OtherName(_CNPJ_OID, _printable(cnpj)),
        ]
    )
    usage = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(random.Random(f"nfed/{seed}/{cnpj}").getrandbits(120) | 1)
        .not_valid_before(datetime(2024, 6, 1, tzinfo=UTC))
        .not_valid_after(datetime(2028, 6, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(signed.public_bytes(Encoding.DER)).decode()


_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=True,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _printable(text: str) -> bytes:
    """DER of a PrintableString shorter than 128 characters."""
    return bytes([0x13, len(text)]) + text.encode("ascii")
