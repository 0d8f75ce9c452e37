"""The layout of what is not a note: events, unused numbers, summaries, other fiscal documents.

Each table is a head of its own: a document is one row of it, known by its `identificador`.
"""

from daemon.documents.layout import (
    BIG_INTEGER,
    INTEGER,
    MOMENT,
    MONEY,
    Column,
    Table,
    Text,
)

_SOURCE = (
    Column("status", Text(20), note="from cStat: see the data dictionary's head"),
    Column("xml", Text(), note="the document's text as it came (keep_xml)"),
    Column("arquivo_nome", Text(), note="name of the file that brought this state"),
    Column("arquivo_sha256", Text(64), note="SHA-256 of that file's bytes, hexadecimal"),
    Column("conteudo_sha256", Text(64), note="SHA-256 of what the signed group says; empty for "
           "an answer alone"),
    Column("job_id", Text(36), note="the job that stored it, as in `nfed jobs`"),
)  # fmt: skip


def _both(*tags: str) -> str:
    """In the event or in its answer."""
    return "|".join(f"{root}/infEvento/{tag}" for root in ("evento", "retEvento") for tag in tags)


def _asked(*tags: str) -> str:
    return "|".join(f"evento/infEvento/{tag}" for tag in tags)


def _answered(*tags: str) -> str:
    return "|".join(f"retEvento/infEvento/{tag}" for tag in tags)


NF_EVENTOS = Table(
    "nf_eventos",
    "An event of a note: cancellation, carta de correção, manifestation, any other type; also of a "
    "note that has not come yet.",
    (
        Column(
            "identificador", Text(80), note="tpEvento-chave-nSeqEvento-cOrgao: what identifies it"
        ),
        Column("chave_acesso", Text(44), _both("chNFe")),
        Column("codigo_orgao", Text(2), _both("cOrgao")),
        Column("tipo_ambiente", Text(1), _both("tpAmb")),
        Column("autor_cpf_cnpj", Text(14), _asked("CNPJ", "CPF")),
        Column("tipo_evento", Text(6), _both("tpEvento")),
        Column("sequencia_evento", INTEGER, _both("nSeqEvento")),
        Column("versao_evento", Text(4), _asked("verEvento")),
        Column("data_hora_evento", MOMENT, _asked("dhEvento")),
        Column("descricao", Text(60), _asked("detEvento/descEvento")),
        Column("texto", Text(), _asked("detEvento/xCorrecao", "detEvento/xJust")),
        Column("condicao_uso", Text(), _asked("detEvento/xCondUso")),
        Column("numero_protocolo_nota", Text(17), _asked("detEvento/nProt")),
        Column("chave_substituta", Text(44), _asked("detEvento/chNFeRef")),
        Column("orgao_registro", Text(2), _answered("cOrgao")),
        Column("versao_aplicativo", Text(20), _answered("verAplic")),
        Column("codigo_status", Text(3), _answered("cStat")),
        Column("motivo_status", Text(255), _answered("xMotivo")),
        Column("descricao_registro", Text(60), _answered("xEvento")),
        Column("numero_protocolo", Text(17), _answered("nProt")),
        Column("data_hora_registro", MOMENT, _answered("dhRegEvento")),
        Column("destinatario_cpf_cnpj", Text(14), _answered("CNPJDest", "CPFDest")),
        Column("destinatario_email", Text(60), _answered("emailDest")),
        *_SOURCE,
    ),
    element="",
    key="identificador",
)

NF_EVENTOS_CAMPOS = Table(
    "nf_eventos_campos",
    "Every other field of an event's detEvento, whatever its type.",
    (
        Column("ordem", INTEGER, note="1 for the first of the event"),
        Column("caminho", Text(), note="the XML path below detEvento"),
        Column("valor", Text(), note="the text as written"),
    ),
    parent="nf_eventos",
    link="nf_evento_id",
)

NF_PROTOCOLOS = Table(
    "nf_protocolos",
    "A protocol that came without its note; the note takes it over when both are there.",
    (
        Column("identificador", Text(80), note="chave-nProt, or chave-cStat without a number"),
        Column("chave_acesso", Text(44), "protNFe/infProt/chNFe"),
        Column("tipo_ambiente", Text(1), "protNFe/infProt/tpAmb"),
        Column("versao_aplicativo", Text(20), "protNFe/infProt/verAplic"),
        Column("numero_protocolo", Text(17), "protNFe/infProt/nProt"),
        Column("digest_value", Text(28), "protNFe/infProt/digVal"),
        Column("data_hora_recebimento", MOMENT, "protNFe/infProt/dhRecbto"),
        Column("codigo_status", Text(4), "protNFe/infProt/cStat"),
        Column("motivo_status", Text(255), "protNFe/infProt/xMotivo"),
        *_SOURCE,
    ),
    element="",
    key="identificador",
)


def _range(*tags: str) -> str:
    return "|".join(f"{root}/infInut/{tag}" for root in ("inutNFe", "retInutNFe") for tag in tags)


NF_INUTILIZACOES = Table(
    "nf_inutilizacoes",
    "A range of numbers that was declared never to be used.",
    (
        Column("identificador", Text(80), note="cUF-ano-CNPJ-mod-serie-nNFIni-nNFFin"),
        Column("codigo_uf", Text(2), _range("cUF")),
        Column("ano", Text(2), _range("ano")),
        Column("cpf_cnpj", Text(14), _range("CNPJ", "CPF")),
        Column("modelo", Text(2), _range("mod")),
        Column("serie", Text(3), _range("serie")),
        Column("numero_inicial", INTEGER, _range("nNFIni")),
        Column("numero_final", INTEGER, _range("nNFFin")),
        Column("justificativa", Text(255), "inutNFe/infInut/xJust"),
        Column("tipo_ambiente", Text(1), _range("tpAmb")),
        Column("versao_aplicativo", Text(20), "retInutNFe/infInut/verAplic"),
        Column("codigo_status", Text(3), "retInutNFe/infInut/cStat"),
        Column("motivo_status", Text(255), "retInutNFe/infInut/xMotivo"),
        Column("data_hora_recebimento", MOMENT, "retInutNFe/infInut/dhRecbto"),
        Column("numero_protocolo", Text(17), "retInutNFe/infInut/nProt"),
        *_SOURCE,
    ),
    element="",
    key="identificador",
)

NF_RESUMOS = Table(
    "nf_resumos",
    "What the tax office tells of a note or of an event before the whole document is fetched; gone "
    "when that comes.",
    (
        Column("identificador", Text(80), note="resNFe-chave-cSitNFe, or as in nf_eventos"),
        Column("tipo", Text(10), note="nota or evento"),
        Column("chave_acesso", Text(44), "resNFe/chNFe|resEvento/chNFe"),
        Column("cpf_cnpj", Text(14), "resNFe/CNPJ|resNFe/CPF|resEvento/CNPJ|resEvento/CPF"),
        Column("nome", Text(60), "resNFe/xNome"),
        Column("inscricao_estadual", Text(14), "resNFe/IE"),
        Column("data_hora_emissao", MOMENT, "resNFe/dhEmi|resEvento/dhEvento"),
        Column("tipo_operacao", Text(1), "resNFe/tpNF"),
        Column("valor_total_nota", MONEY, "resNFe/vNF"),
        Column("digest_value", Text(28), "resNFe/digVal"),
        Column("situacao", Text(1), "resNFe/cSitNFe", "1 autorizada, 2 denegada, 3 cancelada"),
        Column("situacao_manifestacao", Text(1), "resNFe/cSitConf"),
        Column("codigo_orgao", Text(2), "resEvento/cOrgao"),
        Column("tipo_evento", Text(6), "resEvento/tpEvento"),
        Column("sequencia_evento", INTEGER, "resEvento/nSeqEvento"),
        Column("descricao", Text(60), "resEvento/xEvento"),
        Column("data_hora_recebimento", MOMENT, "resNFe/dhRecbto|resEvento/dhRecbto"),
        Column("numero_protocolo", Text(17), "resNFe/nProt|resEvento/nProt"),
        *_SOURCE,
    ),
    element="",
    key="identificador",
)

_CTES = ("CTe/infCte", "CTeOS/infCte", "CTeSimp/infCte", "GTVe/infCte")
_OTHERS = ("MDFe/infMDFe", "NFCom/infNFCom", "NF3e/infNF3e", "BPe/infBPe", "BPeTM/infBPe")
_DPS = "NFSe/infNFSe/DPS/infDPS"
_EVENTS = tuple(f"evento{name}/infEvento" for name in ("CTe", "MDFe", "NFCom", "NF3e", "BPe"))
_RET_EVENTS = tuple(f"ret{event[0].upper()}{event[1:]}" for event in _EVENTS)
_PROTOCOLS = tuple(f"prot{name}/infProt" for name in ("CTe", "MDFe", "NFCom", "NF3e", "BPe"))
# An NFS-e's event is called <evento>, as a note's is; here it has a name of its own.
_NFSE_EVENT = "eventoNFSe/infEvento/pedRegEvento/infPedReg"
_KEYS = ("chCTe", "chMDFe", "chNFCom", "chNF3e", "chBPe")


def _in(groups: tuple[str, ...], *tags: str) -> str:
    return "|".join(f"{group}/{tag}" for group in groups for tag in tags)


DFE_DOCUMENTOS = Table(
    "dfe_documentos",
    "Any other electronic fiscal document, or an event of one: CT-e, CT-e OS, GTV-e, MDF-e, NFCom, "
    "NF3-e, BP-e, NFS-e nacional. What has no column here stands in xml.",
    (
        Column(
            "identificador", Text(80), note="the key; for an event, tpEvento-key-nSeqEvento-cOrgao"
        ),
        Column("especie", Text(10), note="documento or evento"),
        Column("tipo", Text(20), note="the element that holds it, such as CTe or eventoMDFe"),
        Column(
            "chave_acesso",
            Text(50),
            _in(_EVENTS + _RET_EVENTS, *_KEYS)
            + f"|{_NFSE_EVENT}/chNFSe|"
            + _in((*_CTES, *_OTHERS, "NFSe/infNFSe"), "@Id"),
            "44 characters without their prefix; 50 in an NFS-e",
        ),
        Column("modelo", Text(2), _in(_CTES + _OTHERS, "ide/mod")),
        Column("versao_leiaute", Text(5), _in(_CTES + _OTHERS, "@versao") + "|NFSe/@versao"),
        Column("serie", Text(5), _in(_CTES + _OTHERS, "ide/serie") + f"|{_DPS}/serie"),
        Column(
            "numero",
            BIG_INTEGER,
            _in(_CTES + _OTHERS, "ide/nCT", "ide/nMDF", "ide/nNF", "ide/nBP")
            + "|NFSe/infNFSe/nNFSe",
        ),
        Column(
            "data_hora_emissao",
            MOMENT,
            _in(_CTES + _OTHERS, "ide/dhEmi")
            + f"|{_DPS}/dhEmi|"
            + _in(_EVENTS, "dhEvento")
            + f"|{_NFSE_EVENT}/dhEvento",
        ),
        Column("tipo_ambiente", Text(1), _in(_CTES + _OTHERS, "ide/tpAmb") + f"|{_DPS}/tpAmb|"
               + _in(_EVENTS, "tpAmb") + f"|{_NFSE_EVENT}/tpAmb"),
        Column("uf_inicio", Text(2), _in(_CTES + _OTHERS, "ide/UFIni")),
        Column("uf_fim", Text(2), _in(_CTES + _OTHERS, "ide/UFFim")),
        Column(
            "emitente_cpf_cnpj",
            Text(14),
            _in((*_CTES, *_OTHERS, "NFSe/infNFSe"), "emit/CNPJ", "emit/CPF"),
        ),
        Column("emitente_nome", Text(), _in((*_CTES, *_OTHERS, "NFSe/infNFSe"), "emit/xNome")),
        Column("emitente_uf", Text(2), _in(_CTES + _OTHERS, "emit/enderEmit/UF")
               + "|NFSe/infNFSe/emit/enderNac/UF"),
        Column("remetente_cpf_cnpj", Text(14), _in(_CTES, "rem/CNPJ", "rem/CPF")),
        Column("remetente_nome", Text(60), _in(_CTES, "rem/xNome")),
        Column(
            "destinatario_cpf_cnpj",
            Text(14),
            _in(_CTES + _OTHERS, "dest/CNPJ", "dest/CPF", "comp/CNPJ", "comp/CPF")
            + f"|{_DPS}/toma/CNPJ|{_DPS}/toma/CPF",
            "in an NFS-e the tomador, in a BP-e the comprador",
        ),
        Column(
            "destinatario_nome",
            Text(),
            _in(_CTES + _OTHERS, "dest/xNome", "comp/xNome") + f"|{_DPS}/toma/xNome",
        ),
        Column(
            "tomador_papel",
            Text(1),
            _in(_CTES, "ide/toma3/toma", "ide/toma4/toma", "ide/toma03/toma", "toma/toma"),
            "0 remetente, 1 expedidor, 2 recebedor, 3 destinatário, 4 outro",
        ),
        Column(
            "tomador_cpf_cnpj",
            Text(14),
            _in(_CTES, "ide/toma4/CNPJ", "ide/toma4/CPF", "toma/CNPJ", "toma/CPF"),
            "where the role is another's, that one's",
        ),
        Column("tomador_nome", Text(60), _in(_CTES, "ide/toma4/xNome", "toma/xNome"), "likewise"),
        Column(
            "valor_total",
            MONEY,
            _in(_CTES, "vPrest/vTPrest", "total/vTPrest")
            + "|MDFe/infMDFe/tot/vCarga|NFCom/infNFCom/total/vNF|NF3e/infNF3e/total/vNF|"
            f"BPe/infBPe/infValorBPe/vBP|BPeTM/infBPe/total/vBP|{_DPS}/valores/vServPrest/vServ",
            "vTPrest, vCarga, vNF, vBP or vServ",
        ),
        Column("valor_liquido", MONEY, "NFSe/infNFSe/valores/vLiq"),
        Column("tipo_evento", Text(6), _in(_EVENTS + _RET_EVENTS, "tpEvento")),
        Column("sequencia_evento", INTEGER, _in(_EVENTS + _RET_EVENTS, "nSeqEvento")
               + "|eventoNFSe/infEvento/nSeqEvento"),
        Column("codigo_orgao", Text(2), _in(_EVENTS + _RET_EVENTS, "cOrgao")),
        Column("texto", Text(), _in(_EVENTS, "detEvento/*/xJust", "detEvento/*/xObs")
               + f"|{_NFSE_EVENT}/*/xMotivo", "an event's justification"),
        Column(
            "numero_protocolo", Text(17), _in(_PROTOCOLS + _RET_EVENTS, "nProt")
        ),
        Column(
            "data_hora_recebimento",
            MOMENT,
            _in(_PROTOCOLS, "dhRecbto")
            + "|"
            + _in(_RET_EVENTS, "dhRegEvento")
            + "|NFSe/infNFSe/dhProc|eventoNFSe/infEvento/dhProc",
        ),
        Column("digest_value", Text(28), _in(_PROTOCOLS, "digVal")),
        Column("codigo_status", Text(3), _in(_PROTOCOLS + _RET_EVENTS, "cStat")
               + "|NFSe/infNFSe/cStat"),
        Column("motivo_status", Text(255), _in(_PROTOCOLS + _RET_EVENTS, "xMotivo")),
        *_SOURCE,
    ),
    element="",
    key="identificador",
)  # fmt: skip

OTHER_TABLES = (
    NF_EVENTOS,
    NF_EVENTOS_CAMPOS,
    NF_PROTOCOLOS,
    NF_INUTILIZACOES,
    NF_RESUMOS,
    DFE_DOCUMENTOS,
)

_FORM = "the version of the form, not of the document"
_SIGNATURE = "a signature; xml holds it"
_MADE_OF = "made of the fields that identify the document"
NOT_STORED_OF_OTHERS = {
    "evento/@versao": _FORM,
    "evento/infEvento/@Id": _MADE_OF,
    "evento/Signature": _SIGNATURE,
    "retEvento/@versao": _FORM,
    "retEvento/infEvento/@Id": "numbers the answer",
    "retEvento/Signature": _SIGNATURE,
    "protNFe/@versao": _FORM,
    "protNFe/infProt/@Id": "numbers the answer",
    "protNFe/Signature": _SIGNATURE,
    "inutNFe/@versao": _FORM,
    "inutNFe/infInut/@Id": _MADE_OF,
    "inutNFe/infInut/xServ": "always INUTILIZAR",
    "inutNFe/Signature": _SIGNATURE,
    "retInutNFe/@versao": _FORM,
    "retInutNFe/infInut/@Id": "numbers the answer",
    "retInutNFe/Signature": _SIGNATURE,
    "resNFe/@versao": _FORM,
    "resEvento/@versao": _FORM,
}
"""As layout.NOT_STORED, of what is not a note. Of dfe_documentos, all that has no column is kept in
xml."""
