"""Lays out the other electronic fiscal documents and their events, kept whole in one table."""

from nfed.documents.layout.bpe import BPE_TABLES
from nfed.documents.layout.cfe import CFE_TABLES
from nfed.documents.layout.columns import (
    BIG_INTEGER,
    INTEGER,
    MOMENT,
    MONEY,
    SOURCE,
    Column,
    Table,
    Text,
)
from nfed.documents.layout.cte import CTE_TABLES
from nfed.documents.layout.dfe_grupos import DFE_GRUPOS_TABLES
from nfed.documents.layout.dfe_itens import DFE_ITENS_TABLES
from nfed.documents.layout.familias import BPES, CFE, CTES, DPS, MDFE, NF3E, NFCOM, NFSE, each
from nfed.documents.layout.mdfe import MDFE_TABLES
from nfed.documents.layout.nf3e import NF3E_TABLES
from nfed.documents.layout.nfcom import NFCOM_TABLES
from nfed.documents.layout.nfse import NFSE_TABLES
from nfed.documents.layout.nfse_municipal import DOCUMENT, SAO_PAULO, with_municipal

DFE_ROWS = 1
"""dfe_documentos.versao_linhas of what is stored today: more when old rows lack something."""
DFE_UNREADABLE = 0
"""Of a document whose kept text does not hold it, so that nothing can be filled from it."""

_TAKERS = ("ide/toma4", "ide/tomaTerceiro", "toma")
_OTHERS = (*MDFE, *NFCOM, *NF3E, *BPES)
_ISSUED = (*_OTHERS, *CFE)
_NAMES = ("CTe", "MDFe", "NFCom", "NF3e", "BPe")
_EVENTS = tuple(f"evento{name}/infEvento" for name in _NAMES)
_RET_EVENTS = tuple(f"ret{event[0].upper()}{event[1:]}" for event in _EVENTS)
_PROTOCOLS = tuple(f"prot{name}/infProt" for name in _NAMES)
# An NFS-e's event is called <evento>, as a note's is; here it has a name of its own.
_NFSE_EVENT = "eventoNFSe/infEvento/pedRegEvento/infPedReg"
DFE_CONSULTATIONS = tuple(f"retConsSit{name}" for name in _NAMES)
_OLD_CANCELLATION = "cancCTe/infCanc"
_RET_OLD_CANCELLATION = "retCancCTe/infCanc"
_ANSWERS = (*_PROTOCOLS, *_RET_EVENTS, *DFE_CONSULTATIONS, _RET_OLD_CANCELLATION)
_KEYS = ("chCTe", "chMDFe", "chNFCom", "chNF3e", "chBPe")


_END = "when, or under which protocol, it was cancelled, or an MDF-e closed"


DFE_DOCUMENTOS = Table(
    "dfe_documentos",
    "Any other electronic fiscal document, or an event of one: CT-e, CT-e OS, GTV-e, MDF-e, NFCom, "
    "NF3-e, BP-e, NFS-e nacional. What has no column here stands in xml.",
    with_municipal((
        Column(
            "identificador",
            Text(80),
            note="the key; for an event, tpEvento-key-nSeqEvento-cOrgao; for a protocol alone, "
            "protocolo-key-nProt; for a consultation, consulta-key-cStat; for a cancellation "
            "without an event, cancCTe-key",
        ),
        Column(
            "especie",
            Text(10),
            note="documento, evento, or protocolo (alone, or what a consultation answered)",
        ),
        Column("tipo", Text(20), note="the element that holds it, such as CTe or eventoMDFe"),
        Column(
            "chave_acesso",
            Text(50),
            each(_EVENTS + _RET_EVENTS, *_KEYS)
            + f"|{_NFSE_EVENT}/chNFSe|"
            + each((*CTES, *_ISSUED, *NFSE, *DPS[1:]), "@Id"),
            "44 characters without their prefix; 50 in an NFS-e",
        ),
        Column("modelo", Text(2), each(CTES + _ISSUED, "ide/mod")),
        Column("versao_leiaute", Text(5), each(CTES + _ISSUED, "@versao") + "|NFSe/@versao"),
        Column("serie", Text(5), each(CTES + _ISSUED, "ide/serie") + "|" + each(DPS, "serie")),
        Column(
            "numero",
            BIG_INTEGER,
            each(CTES + _ISSUED, "ide/nCT", "ide/nCFe", "ide/nMDF", "ide/nNF", "ide/nBP")
            + "|NFSe/infNFSe/nNFSe|DPS/infDPS/nDPS",
        ),
        Column(
            "data_hora_emissao",
            MOMENT,
            each(CTES + _ISSUED, "ide/dhEmi")
            + "|" + each(DPS, "dhEmi") + "|"
            + each(_EVENTS, "dhEvento")
            + f"|{_NFSE_EVENT}/dhEvento",
        ),
        Column("tipo_ambiente", Text(1), each(CTES + _ISSUED, "ide/tpAmb") + "|"
               + each(DPS, "tpAmb") + "|" + each(_EVENTS, "tpAmb") + f"|{_NFSE_EVENT}/tpAmb"),
        Column("uf_inicio", Text(2), each(CTES + _ISSUED, "ide/UFIni")),
        Column("uf_fim", Text(2), each(CTES + _ISSUED, "ide/UFFim")),
        Column(
            "emitente_cpf_cnpj",
            Text(14),
            each((*CTES, *_ISSUED, *NFSE), "emit/CNPJ", "emit/CPF")
            + "|DPS/infDPS/prest/CNPJ|DPS/infDPS/prest/CPF",
        ),
        Column("emitente_nome", Text(), each((*CTES, *_ISSUED, *NFSE), "emit/xNome")
               + "|DPS/infDPS/prest/xNome"),
        Column("emitente_uf", Text(2), each(CTES + _ISSUED, "emit/enderEmit/UF")
               + "|NFSe/infNFSe/emit/enderNac/UF"),
        Column("remetente_cpf_cnpj", Text(14), each(CTES, "rem/CNPJ", "rem/CPF")),
        Column("remetente_nome", Text(60), each(CTES, "rem/xNome")),
        Column(
            "destinatario_cpf_cnpj",
            Text(14),
            each(CTES + _ISSUED, "dest/CNPJ", "dest/CPF", "comp/CNPJ", "comp/CPF")
            + "|" + each(DPS, "toma/CNPJ", "toma/CPF"),
            "in an NFS-e the tomador, in a BP-e the comprador",
        ),
        Column(
            "destinatario_nome",
            Text(),
            each(CTES + _ISSUED, "dest/xNome", "comp/xNome") + "|" + each(DPS, "toma/xNome"),
        ),
        Column(
            "tomador_papel",
            Text(1),
            each(CTES, "ide/toma3/toma", "ide/toma03/toma", "ide/toma/toma")
            + "|"
            + each(CTES, *(f"{taker}/toma" for taker in _TAKERS)),
            "0 remetente, 1 expedidor, 2 recebedor, 3 destinatário, 4 outro",
        ),
        Column(
            "tomador_cpf_cnpj",
            Text(14),
            each(CTES, *(f"{taker}/{tag}" for taker in _TAKERS for tag in ("CNPJ", "CPF"))),
            "where the role is another's, that one's",
        ),
        Column("tomador_nome", Text(60), each(CTES, *(f"{taker}/xNome" for taker in _TAKERS)),
               "likewise"),
        Column(
            "valor_total",
            MONEY,
            each(CTES, "vPrest/vTPrest", "total/vTPrest")
            + "|CFe/infCFe/total/vCFe|MDFe/infMDFe/tot/vCarga|NFCom/infNFCom/total/vNF|"
            "NF3e/infNF3e/total/vNF|"
            "BPe/infBPe/infValorBPe/vBP|BPeTA/infBPe/infValorBPe/vBP|BPeTM/infBPe/total/vBP|"
            + each(DPS, "valores/vServPrest/vServ"),
            "vTPrest, vCarga, vNF, vBP or vServ",
        ),
        Column("valor_liquido", MONEY, "NFSe/infNFSe/valores/vLiq"),
        Column("tipo_evento", Text(6), each(_EVENTS + _RET_EVENTS, "tpEvento")),
        Column("sequencia_evento", INTEGER, each(_EVENTS + _RET_EVENTS, "nSeqEvento")
               + "|eventoNFSe/infEvento/nSeqEvento"),
        Column("codigo_orgao", Text(2), each(_EVENTS + _RET_EVENTS, "cOrgao")),
        Column("texto", Text(), each(_EVENTS, "detEvento/*/xJust", "detEvento/*/xObs")
               + f"|{_NFSE_EVENT}/*/xMotivo|{_OLD_CANCELLATION}/xJust", "an event's justification"),
        Column(
            "numero_protocolo",
            Text(17),
            each((*_PROTOCOLS, *_RET_EVENTS, _RET_OLD_CANCELLATION), "nProt"),
        ),
        Column(
            "data_hora_recebimento",
            MOMENT,
            each((*_PROTOCOLS, *DFE_CONSULTATIONS, _RET_OLD_CANCELLATION), "dhRecbto")
            + "|"
            + each(_RET_EVENTS, "dhRegEvento")
            + "|NFSe/infNFSe/dhProc|eventoNFSe/infEvento/dhProc",
        ),
        Column("digest_value", Text(28), each(_PROTOCOLS, "digVal")),
        Column("codigo_status", Text(3), each(_ANSWERS, "cStat")
               + "|NFSe/infNFSe/cStat"),
        Column("motivo_status", Text(255), each(_ANSWERS, "xMotivo")),
        Column("data_hora_cancelamento", MOMENT, note=_END),
        Column("protocolo_cancelamento", Text(17), note=_END),
        Column(
            "fonte_cancelamento",
            Text(10),
            note="who says that it is cancelled, or an MDF-e closed, the best that is known: "
            "evento, cancCTe (asked for without an event), protocolo (rewritten), consulta; of a "
            "municipal NFS-e, substituta (another that replaces it)",
        ),
        Column(
            "digest_assinatura",
            Text(44),
            note="the Signature's DigestValue; without one, the digest of what it would sign",
        ),
        *SOURCE,
        Column("versao_linhas", INTEGER, note="1: its rows in the other tables are there; empty: "
               "stored before there were any, `nfed db refill` makes them of xml"),
    ), DOCUMENT),
    element="",
    key="identificador",
)  # fmt: skip

DFE_TABLES = (
    DFE_DOCUMENTOS,
    *CTE_TABLES,
    *MDFE_TABLES,
    *NFSE_TABLES,
    *BPE_TABLES,
    *CFE_TABLES,
    *DFE_ITENS_TABLES,
    *NF3E_TABLES,
    *NFCOM_TABLES,
    *DFE_GRUPOS_TABLES,
)
_XSD_TOPS = tuple(
    group.partition("/")[0] for group in (*CTES, *MDFE, *BPES, *NF3E, *NFCOM, *NFSE, *DPS[1:])
)
_PROCS = ("cteProc", "cteOSProc", "cteSimpProc", "GTVeProc", "mdfeProc", "nfcomProc", "nf3eProc",
          "bpeProc", "bpeTMProc", "bpeTAProc")  # fmt: skip
DFE_TOPS = (
    *(*_XSD_TOPS, "CFe", "CompNfse", SAO_PAULO),
    *(f"prot{name}" for name in _NAMES),
    *_PROCS,
)
"""The elements that hold a document, its answer, or both: of these, what has no column is kept in
dfe_outros_valores."""

_PART_OF_KEY = "the last digit of the key"
_SIGNATURE = "a signature; xml holds it"
_FORM = "the version of the form; dfe_documentos.versao_leiaute holds the document's"
DFE_NOT_STORED = {
    **{f"{group}/ide/cDV": _PART_OF_KEY for group in CTES + _OTHERS},
    **{f"{group}/infPAA/PAASignature": _SIGNATURE for group in (CTES[0], CTES[2], *MDFE)},
    **{f"{top}/Signature": _SIGNATURE for top in _XSD_TOPS},
    **{f"{top}/@versao": _FORM for top in ("CTeOS", "GTVe", "DPS")},
    **{f"{group}/@Id": "made of the fields of the DPS" for group in DPS[:1]},
    "NFSe/infNFSe/DPS/@versao": _FORM,
    "CFe/infCFe/ide/cDV": _PART_OF_KEY,
    f"{SAO_PAULO}/Assinatura": _SIGNATURE,
    "CFe/infCFe/@chCanc": "dfe_documentos.chave_acesso of the cancellation",
    "NFSe/infNFSe/DPS/Signature": _SIGNATURE,
    **{
        f"prot{name}/{place}": reason
        for name in _NAMES
        for place, reason in (
            ("@versao", "the version of the answer's form"),
            ("Signature", "the tax office's signature; xml holds it"),
            ("infProt/@Id", "numbers the answer"),
            (f"infProt/ch{name}", "the document's own key"),
            ("infProt/tpAmb", "dfe_documentos.tipo_ambiente holds the document's"),
            ("infProt/verAplic", "the tax office's program; xml holds it"),
        )
    },
}
"""As layout.NOT_STORED, of documents that are not notes."""

DFE_EVENTS = (
    *(f"{word}{name}" for word in ("evento", "retEvento") for name in _NAMES),
    *("eventoNFSe", "cancCTe", "retCancCTe"),
)
"""The elements that are an event, or the answer to one."""
DFE_EVENTS_NOT_STORED = {
    **{
        f"{top}/{place}": reason
        for top in DFE_EVENTS
        for place, reason in (
            ("@versao", _FORM),
            ("Signature", _SIGNATURE),
            ("infEvento/@Id", "made of the fields that identify the event, or numbers the answer"),
        )
    },
    **{
        f"{top}/{place}": reason
        for top in ("cancCTe", "retCancCTe")
        for place, reason in (
            ("@versao", _FORM),
            ("Signature", _SIGNATURE),
            ("infCanc/@Id", "made of the key, or numbers the answer"),
            ("infCanc/chCTe", "dfe_documentos.chave_acesso"),
            ("infCanc/xServ", "always CANCELAR"),
        )
    },
    **{f"procEvento{name}/@versao": _FORM for name in _NAMES},
    "procCancCTe/@versao": _FORM,
    "eventoNFSe/infEvento/pedRegEvento/@versao": _FORM,
    "eventoNFSe/infEvento/pedRegEvento/Signature": _SIGNATURE,
}
"""Of their events, what is in dfe_documentos.xml alone: neither a column nor dfe_eventos_campos
holds it."""

_UNITS = "what each unit of cargo or vehicle holds"
DFE_ASIDE = {
    "infUnidTransp": _UNITS,
    "infUnidCarga": _UNITS,
    "infUnidCargaVazia": _UNITS,
    "infUnidTranspVazia": _UNITS,
    "detCont": _UNITS,
    "balsa": "each ferry of a transport by water",
    "infEmbComb": "each vessel of a convoy",
    "infTermCarreg": "each terminal of a transport by water",
    "infTermDescarreg": "each terminal of a transport by water",
    "vag": "each wagon of a train",
    "peri": "each dangerous product",
    "cInfManu": "each instruction for handling a cargo by air",
    "infSolicNFF": "the request to the Nota Fiscal Fácil, as it was sent",
    "fornec": "more of a supplier than its number and name",
    "imovel": "the real estate of a service, and its address",
    "obra/end": "the address of a construction",
    "atvEvento/end": "the address of an event",
    "gItemPed": "each item of an order",
    "gProcRef": "what an item was before a lawsuit changed it",
    "gContab": "each booking of an item",
    "enerAloc": "each tariff post of a generator but the first",
    "xGrandFat": "the name of what was billed in earlier months",
    "@nTipoSaldo": "numbers the kinds of balance of a generator",
    "cUFAdic": "the state of each further terminal",
}
"""Elements and attributes of documents that are not notes, wherever they stand, that go to
dfe_outros_valores with all below them, as their rows would be asked for by nobody we know."""
