"""Understands the filters of the list of notes, which stand in its address."""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal

from nfed.core.ports import ListOrder, NoteFilter
from nfed.exports.chosen import STATUSES
from nfed.web.answers import told

HOME = "/painel/notas"
ROLES = {"emitente": "issuer", "destinatario": "recipient"}
MODELS = {"55": "NF-e", "65": "NFC-e"}
ENVIRONMENTS = {"1": "Production", "2": "Test environment"}
ORDERS = {
    ListOrder.NEWEST.value: "the newest first",
    ListOrder.OLDEST.value: "the oldest first",
    ListOrder.DEAREST.value: "the greatest value first",
    ListOrder.CHEAPEST.value: "the smallest value first",
}
_CHOICES = {
    "papel": frozenset(ROLES),
    "status": frozenset(STATUSES),
    "modelo": frozenset(MODELS),
    "ambiente": frozenset(ENVIRONMENTS),
    "tipo": frozenset("01"),
    "ordem": frozenset(ORDERS) - {ListOrder.NEWEST},
}
_MOST_CHARS = 200
_KEY = re.compile("[0-9]{6}[0-9A-Z]{12}[0-9]{26}")
_TAX_NUMBER = re.compile("[0-9]{11}|[0-9A-Z]{12}[0-9]{2}")
_PUNCTUATION = re.compile(r"[\s./-]")
_MONTH = re.compile("[0-9]{4}-(?:0[1-9]|1[0-2])")
_CODE = re.compile("[0-9]{1,8}")
_AMOUNT = re.compile("[0-9]{1,13}(?:[.][0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Filters:
    """What stands in the address; empty: any."""

    q: str = ""
    """A key, a CNPJ or CPF, or words."""
    papel: str = ""
    """What the company of `q` is in the note; empty: the issuer."""
    outra: str = ""
    """CNPJ or CPF of the other company."""
    mes: str = ""
    status: str = ""
    modelo: str = ""
    ambiente: str = ""
    valor_de: str = ""
    """As it was written: 1.500,00 or 1500.00."""
    valor_ate: str = ""
    tipo: str = ""
    """tpNF."""
    finalidade: str = ""
    cfop: str = ""
    ncm: str = ""
    ordem: str = ""

    @staticmethod
    def of(query: Mapping[str, str]) -> "Filters":
        """Those of an address; what none of them can be is left out."""
        found = {
            each.name: query.get(each.name, "")[:_MOST_CHARS].strip() for each in fields(Filters)
        }
        for name, choices in _CHOICES.items():
            found[name] = found[name] if found[name] in choices else ""
        for name in ("finalidade", "cfop", "ncm"):
            found[name] = found[name] if _CODE.fullmatch(found[name]) else ""
        found["mes"] = month_in(found["mes"]) or ""
        found["outra"] = tax_number_in(found["outra"]) or ""
        return Filters(**found)

    @property
    def key(self) -> str:
        """The key that was written; empty: none."""
        bare = _bare(self.q)
        return bare if _KEY.fullmatch(bare) else ""

    @property
    def unread(self) -> str:
        """What was written for an amount and is none; empty: all is well."""
        return next(
            (each for each in (self.valor_de, self.valor_ate) if each and amount_in(each) is None),
            "",
        )

    @property
    def extra(self) -> list[tuple[str, str]]:
        """The filters that no field of the form sets, by name: a link brought them."""
        names = ("outra", "tipo", "finalidade", "cfop", "ncm")
        return [(name, value) for name in names if (value := getattr(self, name))]

    def wanted(self) -> NoteFilter:
        """What the reader is asked for."""
        number, is_issuer = tax_number_in(self.q), self.papel != "destinatario"
        own, other = number, self.outra or None
        first, last = days_of(self.mes)
        return NoteFilter(
            emitente=own if is_issuer else other,
            destinatario=other if is_issuer else own,
            de=first,
            ate=last,
            status=self.status or None,
            modelo=self.modelo or None,
            ambiente=self.ambiente or None,
            valor_de=amount_in(self.valor_de),
            valor_ate=amount_in(self.valor_ate),
            texto=None if number or not self.q else self.q,
            tipo_operacao=self.tipo or None,
            finalidade=self.finalidade or None,
            cfop=self.cfop or None,
            ncm=self.ncm or None,
            ordem=ListOrder(self.ordem or ListOrder.NEWEST),
        )

    def address(self, path: str = HOME, **more: str) -> str:
        """Of the list, or of another `path`, with these filters and `more`."""
        query = told({**asdict(self), **more})
        return f"{path}?{query}" if query else path


def tax_number_in(text: str) -> str | None:
    """The CNPJ or CPF that somebody wrote, with or without its points; None: it is neither."""
    bare = _bare(text)
    return bare if _TAX_NUMBER.fullmatch(bare) else None


def month_in(text: str) -> str | None:
    """The month that somebody wrote as AAAA-MM, of 1900 to 9998; None: it is none."""
    return text if _MONTH.fullmatch(text) and "1900" <= text[:4] < "9999" else None


def amount_in(text: str) -> Decimal | None:
    """The amount that somebody wrote, 1.500,00 or 1500.00; None: it is none."""
    plain = text.replace(".", "").replace(",", ".") if "," in text else text
    return Decimal(plain) if _AMOUNT.fullmatch(plain) else None


def _bare(text: str) -> str:
    return _PUNCTUATION.sub("", text).upper().removeprefix("NFE")


def days_of(month: str) -> tuple[date | None, date | None]:
    """The first and the last day of a month that `month_in` gave; None: any."""
    if not month:
        return None, None
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, 1), date(year, number, monthrange(year, number)[1])
