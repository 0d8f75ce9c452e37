"""Lays out what is said about notes: events, lone protocols, unused numbers, summaries.

Each table is a head of its own: a document is one row of it, known by its `identificador`.
"""

from nfed.documents.layout.columns import INTEGER, MOMENT, MONEY, SOURCE, Column, Table, Text


def _both(*tags: str) -> str:
    """In the event or in its answer."""
    return "|".join(f"{root}/infEvento/{tag}" for root in ("evento", "retEvento") for tag in tags)


def _old(*paths: str) -> str:
    """In a cancellation that is no event, as it was asked for until 2013 (NT 2011.004)."""
    return "".join(f"|{path.replace('/', '/infCanc/')}" for path in paths)


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
            "identificador",
            Text(80),
            note="tpEvento-chave-nSeqEvento-cOrgao: what identifies it; for a cancellation without "
            "an event, cancNFe-chave",
        ),
        Column(
            "chave_acesso",
            Text(44),
            _both("chNFe") + _old("cancNFe/chNFe", "retCancNFe/chNFe"),
        ),
        Column("codigo_orgao", Text(2), _both("cOrgao")),
        Column("tipo_ambiente", Text(1), _both("tpAmb")
               + _old("cancNFe/tpAmb", "retCancNFe/tpAmb")),
        Column("autor_cpf_cnpj", Text(14), _asked("CNPJ", "CPF")),
        Column("tipo_evento", Text(6), _both("tpEvento")),
        Column("sequencia_evento", INTEGER, _both("nSeqEvento")),
        Column("versao_evento", Text(4), _asked("verEvento")),
        Column("data_hora_evento", MOMENT, _asked("dhEvento")),
        Column("descricao", Text(60), _asked("detEvento/descEvento")),
        Column("texto", Text(), _asked("detEvento/xCorrecao", "detEvento/xJust")
               + _old("cancNFe/xJust")),
        Column("condicao_uso", Text(), _asked("detEvento/xCondUso")),
        Column("numero_protocolo_nota", Text(17), _asked("detEvento/nProt")
               + _old("cancNFe/nProt")),
        Column("chave_substituta", Text(44), _asked("detEvento/chNFeRef")),
        Column("orgao_registro", Text(2), _answered("cOrgao") + _old("retCancNFe/cUF")),
        Column("versao_aplicativo", Text(20), _answered("verAplic") + _old("retCancNFe/verAplic")),
        Column("codigo_status", Text(3), _answered("cStat") + _old("retCancNFe/cStat")),
        Column("motivo_status", Text(255), _answered("xMotivo") + _old("retCancNFe/xMotivo")),
        Column("descricao_registro", Text(60), _answered("xEvento")),
        Column("numero_protocolo", Text(17), _answered("nProt") + _old("retCancNFe/nProt")),
        Column("data_hora_registro", MOMENT, _answered("dhRegEvento")
               + _old("retCancNFe/dhRecbto")),
        Column("destinatario_cpf_cnpj", Text(14), _answered("CNPJDest", "CPFDest")),
        Column("destinatario_email", Text(60), _answered("emailDest")),
        *SOURCE,
    ),
    element="",
    key="identificador",
)  # fmt: skip

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
    "A protocol that came without its note, which takes it over when both are there and its digest "
    "is the note's; and what a consultation answered of a cancelled note.",
    (
        Column(
            "identificador",
            Text(80),
            note="chave-nProt, or chave-cStat without a number; of a consultation, "
            "consulta-chave-cStat",
        ),
        Column("origem", Text(20), note="protNFe or retConsSitNFe"),
        Column("chave_acesso", Text(44), "protNFe/infProt/chNFe|retConsSitNFe/chNFe"),
        Column("tipo_ambiente", Text(1), "protNFe/infProt/tpAmb|retConsSitNFe/tpAmb"),
        Column("versao_aplicativo", Text(20), "protNFe/infProt/verAplic|retConsSitNFe/verAplic"),
        Column("numero_protocolo", Text(17), "protNFe/infProt/nProt"),
        Column("digest_value", Text(28), "protNFe/infProt/digVal"),
        Column("data_hora_recebimento", MOMENT, "protNFe/infProt/dhRecbto|retConsSitNFe/dhRecbto"),
        Column("codigo_status", Text(4), "protNFe/infProt/cStat|retConsSitNFe/cStat"),
        Column("motivo_status", Text(255), "protNFe/infProt/xMotivo|retConsSitNFe/xMotivo"),
        *SOURCE,
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
        *SOURCE,
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
        Column("data_hora_emissao", MOMENT, "resNFe/dhEmi|resNFe/dEmi|resEvento/dhEvento"),
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
        Column(
            "nsu",
            Text(15),
            "resNFe/NSU|resNFe/@NSU|resEvento/NSU|resEvento/@NSU",
            "in the first layouts",
        ),
        *SOURCE,
    ),
    element="",
    key="identificador",
)

EVENT_TABLES = (NF_EVENTOS, NF_EVENTOS_CAMPOS, NF_PROTOCOLOS, NF_INUTILIZACOES, NF_RESUMOS)

_FORM = "the version of the form, not of the document"
_SIGNATURE = "a signature; xml holds it"
_MADE_OF = "made of the fields that identify the document"
NOT_STORED_OF_OTHERS = {
    "cancNFe/@versao": _FORM,
    "cancNFe/infCanc/@Id": _MADE_OF,
    "cancNFe/infCanc/xServ": "always CANCELAR",
    "cancNFe/Signature": _SIGNATURE,
    "retCancNFe/@versao": _FORM,
    "retCancNFe/infCanc/@Id": "numbers the answer",
    "retCancNFe/Signature": _SIGNATURE,
    "retConsSitNFe/@versao": _FORM,
    "retConsSitNFe/cUF": "who answered; the chave begins with it",
    "retConsSitNFe/protNFe": "a document of its own",
    "retConsSitNFe/retCancNFe": "a document of its own",
    "retConsSitNFe/procEventoNFe": "a document of its own",
    "evento/@versao": _FORM,
    "evento/infEvento/@Id": _MADE_OF,
    "evento/Signature": _SIGNATURE,
    "retEvento/@versao": _FORM,
    "retEvento/infEvento/@Id": "numbers the answer",
    "retEvento/Signature": _SIGNATURE,
    "nfeProc/@versao": _FORM,
    "protNFe/@versao": _FORM,
    "protNFe/infProt/@Id": "numbers the answer",
    "protNFe/Signature": _SIGNATURE,
    "procEventoNFe/@versao": _FORM,
    "procCancNFe/@versao": _FORM,
    "ProcInutNFe/@versao": _FORM,
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
