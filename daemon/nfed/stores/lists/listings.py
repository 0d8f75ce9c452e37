"""Names the lists, and says in SQL what can be asked of each, once for SQLite and PostgreSQL.

Where SQLite might take another index than the walked one and sort all that it finds, a `+` before
the column keeps it from doing so (sqlite.org/optoverview.html, WHERE clause terms).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from nfed.core.ports import ListOrder
from nfed.stores.sql import statement
from nfed.stores.tables import Backend

CONTAINS = "nfed_contains"
"""In SQL, whether a text holds another that is `plain`. SQLite's connection has to be given it."""
_CONTAINS = re.compile(rf"{CONTAINS}\(([\w.]+), (:?\w+)\)")
_ACCENTED = "".join(
    chr(code)
    for code in range(0xC0, 0x180)
    if len(unicodedata.normalize("NFD", chr(code))) == 2  # a letter and its accent
)
_LETTERS = "".join(unicodedata.normalize("NFD", each)[0].lower() for each in _ACCENTED)
_PLAIN = str.maketrans(_ACCENTED, _LETTERS)
_PUNCTUATION = re.compile(r"[\s./-]")
_DATES = ("from", "until")


@dataclass(frozen=True, slots=True)
class Listing:
    """One kind of list."""

    function: str
    """PostgreSQL's, without its schema."""
    file: str
    """Its SQL."""
    table: str
    alias: str
    """That it has in the SQL."""
    issued: str
    value: str
    """The columns that it can be ordered by."""
    conditions: Mapping[str, str]
    """By the name of the value that each compares with."""
    always: str = "true"
    """What holds for each of its rows."""

    def by_value(self, order: ListOrder) -> bool:
        """Tells whether it is ordered by value."""
        return order in (ListOrder.DEAREST, ListOrder.CHEAPEST)

    def key(self, order: ListOrder) -> str:
        """The column that it is ordered by, before the id."""
        return self.value if self.by_value(order) else self.issued

    def walked(self, names: AbstractSet[str], order: ListOrder) -> frozenset[str]:
        """Those of these conditions that an index decides, together with the order."""
        if "numero" in names:
            return frozenset({"numero"})
        if self.by_value(order):
            return frozenset({"least", "most"})
        party = next((name for name in ("emitente", "destinatario") if name in names), None)
        return frozenset(_DATES if party is None else (party, *_DATES))


def _text_of(name: str) -> str:
    marks = {each: f"{{{each}}}" for each in ("public", "value", "codigo")}
    return statement(f"lists/{name}_texto.sql", **marks)


_COMPANY = "(select c.id from {public}empresas c where c.cpf_cnpj = {value})"
_OF_ITEM = "exists (select 1 from {public}nf_itens i where i.nota_fiscal_id = n.id and i"
NOTES = Listing(
    "nfed_notas",
    "lists/notas.sql",
    "notas_fiscais",
    "n",
    "n.data_hora_emissao",
    "n.valor_total_nota",
    {
        "emitente": f"{{guard}}n.emitente_id = {_COMPANY}",
        "destinatario": f"{{guard}}n.destinatario_id = {_COMPANY}",
        "from": "{guard}n.data_hora_emissao >= {value}",
        "until": "{guard}n.data_hora_emissao < {value}",
        "status": "n.status = {value}",
        "modelo": "n.modelo = {value}",
        "ambiente": "n.tipo_ambiente = {value}",
        "serie": "n.serie = {value}",
        "numero": "n.numero_nf = {value}",
        "least": "{guard}n.valor_total_nota >= {value}",
        "most": "{guard}n.valor_total_nota <= {value}",
        "operacao": "n.tipo_operacao = {value}",
        "finalidade": "n.finalidade_emissao = {value}",
        "cfop": f"{_OF_ITEM}.cfop = {{value}})",
        "ncm": f"{_OF_ITEM}.ncm = {{value}})",
        "texto": _text_of("notas"),
    },
)

DOCUMENTS = Listing(
    "nfed_documentos",
    "lists/documentos.sql",
    "dfe_documentos",
    "x",
    "x.data_hora_emissao",
    "x.valor_total",
    {
        "emitente": "{guard}x.emitente_cpf_cnpj = {value}",
        "destinatario": "{guard}x.destinatario_cpf_cnpj = {value}",
        "tomador": "x.tomador_cpf_cnpj = {value}",
        "from": "{guard}x.data_hora_emissao >= {value}",
        "until": "{guard}x.data_hora_emissao < {value}",
        "tipo": "x.tipo = {value}",
        "status": "x.status = {value}",
        "modelo": "x.modelo = {value}",
        "ambiente": "x.tipo_ambiente = {value}",
        "serie": "x.serie = {value}",
        "numero": "x.numero = {value}",
        "least": "{guard}x.valor_total >= {value}",
        "most": "{guard}x.valor_total <= {value}",
        "texto": _text_of("documentos"),
    },
    always="x.especie = 'documento'",
)
UNUSED = Listing(
    "nfed_inutilizacoes",
    "lists/inutilizacoes.sql",
    "nf_inutilizacoes",
    "u",
    "u.data_hora_recebimento",
    "u.data_hora_recebimento",
    {
        "emitente": "u.cpf_cnpj = {value}",
        "from": "u.data_hora_recebimento >= {value}",
        "until": "u.data_hora_recebimento < {value}",
        "status": "u.status = {value}",
        "modelo": "u.modelo = {value}",
        "ambiente": "u.tipo_ambiente = {value}",
        "serie": "u.serie = {value}",
        "numero": "{value} between u.numero_inicial and u.numero_final",
    },
)
LISTINGS = (NOTES, DOCUMENTS, UNUSED)


def conditions(
    listing: Listing,
    backend: Backend,
    mark: Callable[[str], str],
    walked: AbstractSet[str] = frozenset(),
) -> dict[str, str]:
    """The listing's conditions by the name of their value; `mark` makes of it what stands for the
    value. SQLite's take no index but that of what is `walked`."""
    is_sqlite = backend is Backend.SQLITE
    found: dict[str, str] = {}
    for name, text in listing.conditions.items():
        spelled = text.format(
            public="" if is_sqlite else "public.",
            guard="+" if is_sqlite and name not in walked else "",
            value=mark(name),
            codigo=mark("codigo"),
        )
        found[name] = spelled if is_sqlite else _CONTAINS.sub(_IN_POSTGRES, spelled)
    return found


_IN_POSTGRES = rf"strpos(translate(lower(\1), '{_ACCENTED}', '{_LETTERS}'), \2) > 0"


def direction(order: ListOrder) -> str:
    """That of reading, in SQL."""
    return "desc" if order in (ListOrder.NEWEST, ListOrder.DEAREST) else "asc"


def plain(text: str | None) -> str | None:
    """Without accents and capitals, as texts are looked for."""
    return None if text is None else text.lower().translate(_PLAIN)


def contains(text: str | None, part: str | None) -> bool:
    """What CONTAINS is for SQLite; of what is there, the text alone is made plain."""
    return text is not None and part is not None and part in text.lower().translate(_PLAIN)


def code_in(text: str) -> str:
    """A number as tables hold it, of a plain text: without punctuation."""
    return _PUNCTUATION.sub("", text)
