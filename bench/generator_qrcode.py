"""The `<infNFeSupl>`: the QR code of an NFC-e, and of an NF-e printed small."""

import hashlib
import re
from datetime import date
from decimal import Decimal

from bench.generator_assinatura import Signer
from bench.generator_campos import group, tags
from bench.generator_operacao import Operacao

# NT 2025.001: version 3 has no shared secret (CSC) any more.
_VERSION_3_SINCE = date(2025, 9, 1)
_CSC = "0123456789ABCDEF0123456789ABCDEF"
_URL = "https://www.homologacao.nfce.fazenda.example.gov.br/qrcode"
_BUYER = re.compile(r"<dest><(CNPJ|CPF)>([0-9A-Z]+)<")


def inf_nfe_supl(
    op: Operacao,
    signer: Signer,
    *,
    chave: str,
    digest: str,
    valor: Decimal,
    inside: str,
    cdata: bool,
) -> str:
    """The group, with the QR code in the version that was due on the day of the note.

    `inside` is the text of the infNFe, for the buyer. `cdata` is how most emitters write it.
    """
    modern = op.emitida_em.date() >= _VERSION_3_SINCE
    text = f"{_URL}?p="
    if modern:
        text += _version_3(op, signer, chave, valor, inside)
    else:
        text += _version_2(op, chave, digest, valor)
    qr_code = f"<qrCode><![CDATA[{text}]]></qrCode>" if cdata else tags(qrCode=text)
    return group("infNFeSupl", qr_code, tags(urlChave="https://www.fazenda.example.gov.br/nfce"))


def _version_2(op: Operacao, chave: str, digest: str, valor: Decimal) -> str:
    """Online: chave, version, tpAmb, CSC number, hash. Offline: also day, value and digest."""
    offline = f"|{op.emitida_em:%d}|{valor}|{digest.encode().hex()}" if op.tp_emis == "9" else ""
    fields = f"{chave}|2|2{offline}|1"
    secret = hashlib.sha1(f"{fields}{_CSC}".encode(), usedforsecurity=False).hexdigest()
    return f"{fields}|{secret.upper()}"


def _version_3(op: Operacao, signer: Signer, chave: str, valor: Decimal, inside: str) -> str:
    """Online: chave, version, tpAmb. Offline: also day, value, buyer and a signature."""
    if op.tp_emis != "9":
        return f"{chave}|3|2"
    buyer = _BUYER.search(inside)
    kind = {"CNPJ": "1", "CPF": "2"}[buyer.group(1)] if buyer else ""
    number = buyer.group(2) if buyer else ""
    fields = f"{chave}|3|2|{op.emitida_em:%d}|{valor}|{kind}|{number}"
    return f"{fields}|{signer.sign(fields.encode())}"
