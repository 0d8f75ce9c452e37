"""The one table of tables: says what is stored where, and where in the XML it comes from.

Every store, migration, converter and the data dictionary are made from `tables()`. A table is a
name, a sentence about it, its columns, the XML element that makes a row and the table that it
belongs to; a column is a name, a kind and a path relative to that element (`columns`). One module
holds one group of tables: the note (`nota`, its groups in `grupos`), its items (`itens`,
`impostos`), what is said about notes (`eventos`), and the other documents (`dfe`).

Adding a column is one line in one of them; its migration is derived. What is deliberately left out
is in `NOT_STORED`, each with the reason; a test walks the official schema and names every element
that has neither a column nor a reason.

The layout holds no code that reads or writes: `rows.plan` compiles it for reading, `stores.tables`
for writing.
"""

from collections.abc import Mapping
from functools import cache

from nfed.documents.layout.columns import Table
from nfed.documents.layout.dfe import DFE_EVENTS_NOT_STORED, DFE_NOT_STORED, DFE_TABLES, DFE_TOPS
from nfed.documents.layout.eventos import EVENT_TABLES, NOT_STORED_OF_OTHERS
from nfed.documents.layout.itens import ITEM_TABLES
from nfed.documents.layout.nota import NOTE_TABLES

NOT_STORED = {
    "NFe/infNFe/infPAA/PAASignature": "a signature; xml_completo holds it",
    "NFe/Signature": "the signature; xml_completo holds it",
    "protNFe/Signature": "the tax office's signature; xml_completo holds it",
    "protNFe/infProt/chNFe": "compared with the note's own key; a difference is told (KEY)",
    "protNFe/@versao": "the version of the answer's form, not of the note",
    "nfeProc/@versao": "the version of the wrapper, not of the note",
    "nfeProc/Signature": "a signature; xml_completo holds it",
}
"""Elements and attributes without a column, each with the reason; an element means all below."""


_DELIVERY = "about the delivery of documents, or a question about them; the file itself holds it"
_OF_DELIVERIES = (
    *("@versao", "@schema", "@NSU", "NSU", "ultNSU", "maxNSU"),
    *("idLote", "indSinc", "nRec", "tMed", "xServ", "cOrgao"),
    *("tpAmb", "verAplic", "cUF", "cStat", "xMotivo", "dhRecbto", "dhResp", "cMsg", "xMsg"),
    *("chNFe", "chCTe", "chMDFe", "chNFCom", "chNF3e", "chBPe"),
    *("Header", "Cabecalho", "Alerta", "Erro", "ListaMensagemRetorno"),
)
OF_WRAPPERS = dict.fromkeys(_OF_DELIVERIES, _DELIVERY)
"""What lots, envelopes and answers say themselves, wherever it stands, each with the reason; an
element means all below."""


@cache
def tables() -> Mapping[str, Table]:
    """Every table by name, parents before their children."""
    every = (*NOTE_TABLES, *ITEM_TABLES, *EVENT_TABLES, *DFE_TABLES)
    return {table.name: table for table in every}


ASIDE = {
    "notas_fiscais": ("nf_outros_valores", ("NFe", "protNFe", "nfeProc")),
    "dfe_documentos": ("dfe_outros_valores", DFE_TOPS),
}
"""By head: the table of values without a column, and below which elements they are kept."""

LISTED = {"notas_fiscais": NOT_STORED, "dfe_documentos": DFE_NOT_STORED}
"""By head: what is left out, and why."""


NOT_STORED_OF_EVENTS = {**NOT_STORED_OF_OTHERS, **DFE_EVENTS_NOT_STORED}
"""Of events, what neither a column nor the table of their fields holds, each with the reason."""

EVENT_FIELDS = {"nf_eventos": "nf_eventos_campos", "dfe_documentos": "dfe_eventos_campos"}
"""By the table of events: that of their fields, which another attempt of the event replaces."""


@cache
def head_of(name: str) -> str:
    """The table of documents that a table's rows belong to."""
    parent = tables()[name].parent
    return name if parent is None else head_of(parent)


def positions(table: str) -> dict[str, int]:
    """Maps the columns of a table to the positions of their values in a row."""
    return tables()[table].positions
