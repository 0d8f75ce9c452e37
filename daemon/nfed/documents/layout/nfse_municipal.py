"""Says where municipal NFS-e hold what the national one's columns hold: a table of paths a family.

Two families are known: ABRASF's model (1.00, and 2.01 to 2.04, which differ in where things stand)
and São Paulo's own. Whatever else a municipality writes goes to dfe_outros_valores. Before it is
read, São Paulo's flat element is put in groups (`kinds.nfse_municipal`).
"""

from collections.abc import Mapping
from dataclasses import replace

from nfed.documents.layout.columns import Column

_NOTE = "CompNfse/Nfse/InfNfse"
_DECLARED = f"{_NOTE}/DeclaracaoPrestacaoServico/InfDeclaracaoPrestacaoServico"
SAO_PAULO = "NFePaulistana"


def _abrasf(*tags: str) -> str:
    """In the note itself (1.00), and in the declaration that it carries (2.0x)."""
    return "|".join(f"{group}/{tag}" for tag in tags for group in (_NOTE, _DECLARED))


def _values(tag: str) -> str:
    return _abrasf(f"Servico/Valores/{tag}")


def _or_sao_paulo(paths: str, tag: str) -> str:
    return f"{paths}|{SAO_PAULO}/{tag}"


NFSE = {
    "codigo_municipio_emissao": f"{_NOTE}/OrgaoGerador/CodigoMunicipio",
    "codigo_municipio_prestacao": _abrasf("Servico/CodigoMunicipio"),
    "codigo_municipio_incidencia": _or_sao_paulo(
        _abrasf("Servico/MunicipioIncidencia"), "MunicipioPrestacao"
    ),
    "codigo_verificacao": _or_sao_paulo(f"{_NOTE}/CodigoVerificacao", "ChaveNFe/CodigoVerificacao"),
    "numero_dps": _or_sao_paulo(
        f"{_NOTE}/IdentificacaoRps/Numero|{_DECLARED}/Rps/IdentificacaoRps/Numero",
        "ChaveRPS/NumeroRPS",
    ),
    "serie_dps": _or_sao_paulo(
        f"{_NOTE}/IdentificacaoRps/Serie|{_DECLARED}/Rps/IdentificacaoRps/Serie",
        "ChaveRPS/SerieRPS",
    ),
    "data_competencia": _or_sao_paulo(_abrasf("Competencia"), "DataFatoGeradorNFe"),
    "item_lista_servico": _or_sao_paulo(_abrasf("Servico/ItemListaServico"), "CodigoServico"),
    "codigo_cnae": _abrasf("Servico/CodigoCnae"),
    "codigo_tributacao_municipal": _abrasf("Servico/CodigoTributacaoMunicipio"),
    "codigo_nbs": _abrasf("Servico/CodigoNbs"),
    "descricao_servico": _or_sao_paulo(_abrasf("Servico/Discriminacao"), "Discriminacao"),
    "valor_servico": _or_sao_paulo(_values("ValorServicos"), "ValorServicos"),
    "valor_deducao": _or_sao_paulo(_values("ValorDeducoes"), "ValorDeducoes"),
    "valor_desconto_incondicionado": _values("DescontoIncondicionado"),
    "valor_desconto_condicionado": _values("DescontoCondicionado"),
    "valor_bc": f"{_values('BaseCalculo')}|{_NOTE}/ValoresNfse/BaseCalculo",
    "aliquota": _or_sao_paulo(
        f"{_values('Aliquota')}|{_NOTE}/ValoresNfse/Aliquota", "AliquotaServicos"
    ),
    "valor_issqn": _or_sao_paulo(f"{_values('ValorIss')}|{_NOTE}/ValoresNfse/ValorIss", "ValorISS"),
    "valor_issqn_retido": _values("ValorIssRetido"),
    "iss_retido": _or_sao_paulo(
        f"{_values('IssRetido')}|{_DECLARED}/Servico/IssRetido", "ISSRetido"
    ),
    "responsavel_retencao": f"{_DECLARED}/Servico/ResponsavelRetencao",
    "exigibilidade_iss": _or_sao_paulo(_abrasf("Servico/ExigibilidadeISS"), "TributacaoNFe"),
    "natureza_operacao": f"{_NOTE}/NaturezaOperacao",
    "regime_especial": _abrasf("RegimeEspecialTributacao"),
    "optante_simples_nacional": _or_sao_paulo(_abrasf("OptanteSimplesNacional"), "OpcaoSimples"),
    "incentivo_fiscal": f"{_NOTE}/IncentivadorCultural|{_DECLARED}/IncentivoFiscal",
    "processo_suspensao": _abrasf("Servico/NumeroProcesso"),
    "pis_valor": _or_sao_paulo(_values("ValorPis"), "ValorPIS"),
    "cofins_valor": _or_sao_paulo(_values("ValorCofins"), "ValorCOFINS"),
    "valor_retido_cp": _or_sao_paulo(_values("ValorInss"), "ValorINSS"),
    "valor_retido_irrf": _or_sao_paulo(_values("ValorIr"), "ValorIR"),
    "valor_retido_csll": _or_sao_paulo(_values("ValorCsll"), "ValorCSLL"),
    "valor_outras_retencoes": _values("OutrasRetencoes"),
    "valor_liquido": f"{_values('ValorLiquidoNfse')}|{_NOTE}/ValoresNfse/ValorLiquidoNfse",
    "valor_credito": _or_sao_paulo(f"{_NOTE}/ValorCredito", "ValorCredito"),
    "outras_informacoes": f"{_NOTE}/OutrasInformacoes",
    "obra_codigo": _abrasf("ConstrucaoCivil/CodigoObra"),
    "obra_art": _abrasf("ConstrucaoCivil/Art"),
    "numero_nfse_substituida": f"{_NOTE}/NfseSubstituida",
    "numero_nfse_substituta": "CompNfse/NfseSubstituicao/SubstituicaoNfse/NfseSubstituidora",
    "data_hora_cancelamento": _or_sao_paulo(
        "CompNfse/NfseCancelamento/Confirmacao/DataHora|"
        "CompNfse/NfseCancelamento/Confirmacao/DataHoraCancelamento|"
        "CompNfse/NfseCancelamento/Confirmacao/InfConfirmacaoCancelamento/DataHora",
        "DataCancelamento",
    ),
    "codigo_cancelamento": "CompNfse/NfseCancelamento/Confirmacao/Pedido/InfPedidoCancelamento/"
    "CodigoCancelamento",
}
"""Paths of the columns of nfse."""

DOCUMENT = {
    "numero": _or_sao_paulo(f"{_NOTE}/Numero", "ChaveNFe/NumeroNFe"),
    "versao_leiaute": "CompNfse/Nfse/@versao",
    "data_hora_emissao": _or_sao_paulo(f"{_NOTE}/DataEmissao", "DataEmissaoNFe"),
    "valor_total": NFSE["valor_servico"],
    "valor_liquido": NFSE["valor_liquido"],
}
"""Paths of the columns of dfe_documentos; what its parties are is taken from dfe_partes."""

PARTIES = "|".join(
    (
        f"{_NOTE}/PrestadorServico",
        f"{_DECLARED}/Prestador",
        *(f"{group}/{tag}" for group in (_NOTE, _DECLARED) for tag in (
            "TomadorServico", "Tomador", "IntermediarioServico", "Intermediario",
        )),
        *(f"{SAO_PAULO}/{tag}" for tag in ("Prestador", "Tomador", "Intermediario")),
    )
)  # fmt: skip
"""Elements that make a row of dfe_partes."""

_IDS = ("", *(f"Identificacao{role}/" for role in ("Prestador", "Tomador", "Intermediario")))


def _identified(*tags: str) -> str:
    return "|".join(f"{group}{tag}" for group in _IDS for tag in tags)


PARTY = {
    "cpf_cnpj": _identified("Cnpj", "CpfCnpj/Cnpj", "CpfCnpj/Cpf") + "|CPFCNPJ/CNPJ|CPFCNPJ/CPF",
    "inscricao_municipal": _identified("InscricaoMunicipal"),
    "razao_social": "RazaoSocial",
    "nome_fantasia": "NomeFantasia",
    "logradouro": "Endereco/Endereco|Endereco/Logradouro",
    "numero": "Endereco/Numero|Endereco/NumeroEndereco",
    "complemento": "Endereco/Complemento|Endereco/ComplementoEndereco",
    "bairro": "Endereco/Bairro",
    "codigo_municipio": "Endereco/CodigoMunicipio|Endereco/Cidade",
    "uf": "Endereco/Uf|Endereco/UF",
    "cep": "Endereco/Cep|Endereco/CEP",
    "codigo_pais": "Endereco/CodigoPais",
    "telefone": "Contato/Telefone",
    "email": "Contato/Email|Email",
}
"""Paths of the columns of dfe_partes, below such an element."""


def with_municipal(columns: tuple[Column, ...], paths: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns, those of `paths` with further places."""
    return tuple(
        replace(column, path="|".join(filter(None, (column.path, paths[column.name]))))
        if column.name in paths
        else column
        for column in columns
    )
