"""Checks the form of numbers and codes: CPF, CNPJ, IE, municipality, NCM, CFOP."""

import re
from collections.abc import Iterator

from nfed.documents.checks import Finding
from nfed.documents.checks.key import has_right_digits
from nfed.documents.layout.itens import NF_ITENS
from nfed.documents.layout.nota import NF_PARTES, NOTAS_FISCAIS
from nfed.documents.rows.extract import Row, Rows, Value
from nfed.words import Message

_IE = re.compile(r"[0-9]{2,14}|ISENTO|PR[0-9]{4,8}|")  # TIe, and TIeDest of layout 2.00
_NCM = re.compile(r"[0-9]{8}|00")
_NCM_OR_CHAPTER = re.compile(r"[0-9]{8}|[0-9]{2}")  # layouts before 4.00
_CFOP = re.compile(r"[123567][0-9]{3}")
_UF_CODES = {
    "RO": "11", "AC": "12", "AM": "13", "RR": "14", "PA": "15", "AP": "16", "TO": "17",
    "MA": "21", "PI": "22", "CE": "23", "RN": "24", "PB": "25", "PE": "26", "AL": "27",
    "SE": "28", "BA": "29", "MG": "31", "ES": "32", "RJ": "33", "SP": "35", "PR": "41",
    "SC": "42", "RS": "43", "MS": "50", "MT": "51", "GO": "52", "DF": "53", "EX": "99",
}  # fmt: skip

_PAPEL = NF_PARTES.position("papel")
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_INSCRICAO = NF_PARTES.position("inscricao_estadual")
_MUNICIPIO = NF_PARTES.position("codigo_municipio")
_UF = NF_PARTES.position("uf")
_ITEM_NCM = NF_ITENS.position("ncm")
_ITEM_CFOP = NF_ITENS.position("cfop")
_LAYOUT = NOTAS_FISCAIS.position("versao_leiaute")


def format_findings(rows: Rows) -> list[Finding]:
    """Finds the numbers and codes of a note that cannot be right."""
    ncm = _NCM if rows["notas_fiscais"][0][_LAYOUT] == "4.00" else _NCM_OR_CHAPTER
    return [
        *(finding for party in rows.get("nf_partes", ()) for finding in _party_findings(party)),
        *_item_findings(rows, "FMT-NCM", _ITEM_NCM, ncm, "NCM", Message("8 digits or 00")),
        *_item_findings(rows, "FMT-CFOP", _ITEM_CFOP, _CFOP, "CFOP", Message("4 digits, as 5102")),
    ]


def _party_findings(party: Row) -> Iterator[Finding]:
    name = party[_PAPEL]
    number, registration = _text(party[_CPF_CNPJ]), _text(party[_INSCRICAO])
    if number and not has_right_digits(number):
        kind = "CPF" if len(number) == 11 else "CNPJ"
        yield Finding(
            f"FMT-{kind}",
            Message(
                "the {kind} of {name} is {number!r}: wrong form or check digits",
                kind=kind,
                name=name,
                number=number,
            ),
        )
    if not _IE.fullmatch(registration):
        yield Finding(
            "FMT-IE",
            Message(
                "the IE of {name} is {registration!r}, expected 2 to 14 digits or ISENTO",
                name=name,
                registration=registration,
            ),
        )
    municipality, uf = _text(party[_MUNICIPIO]), _text(party[_UF])
    if municipality and uf and municipality[:2] != _UF_CODES.get(uf):
        expected = _UF_CODES.get(uf) or Message("no state of this name")
        yield Finding(
            "FMT-MUNICIPIO",
            Message(
                "the municipality of {name} is {municipality!r}, its UF {uf!r} ({expected})",
                name=name,
                municipality=municipality,
                uf=uf,
                expected=expected,
            ),
        )


def _item_findings(
    rows: Rows, code: str, position: int, form: re.Pattern[str], tag: str, expected: Message
) -> Iterator[Finding]:
    """The first item whose value is wrong, and how many are."""
    fullmatch = form.fullmatch
    wrong = [
        (item, value)
        for item, row in enumerate(rows.get("nf_itens", ()), 1)
        if (value := row[position]) is not None and not fullmatch(str(value))
    ]
    if wrong:
        item, value = wrong[0]
        text = Message(
            "item {item}: <{tag}> is {value!r}, expected {expected}",
            item=item,
            tag=tag,
            value=value,
            expected=expected,
        )
        if len(wrong) > 1:
            text = Message("{first}, and {more} more", first=text, more=len(wrong) - 1)
        yield Finding(code, text)


def _text(value: Value) -> str:
    return "" if value is None else str(value).strip()
