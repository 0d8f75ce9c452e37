"""NFS-e of ABRASF's models and CF-e SAT, written by the manuals: no real sample is at hand."""

ABRASF = "http://www.abrasf.org.br/nfse.xsd"

_PARTY = (
    "<RazaoSocial>{name}</RazaoSocial><Endereco><Endereco>RUA A</Endereco><Numero>1</Numero>"
    "<Bairro>CENTRO</Bairro><CodigoMunicipio>3106200</CodigoMunicipio><Uf>MG</Uf>"
    "<Cep>30000000</Cep></Endereco>"
)


def abrasf_1(number: int = 15, more: str = "", withheld: str = "1") -> str:
    """A CompNfse of ABRASF 1.00."""
    return (
        f'<CompNfse xmlns="{ABRASF}"><Nfse versao="1.00"><InfNfse Id="n{number}">'
        f"<Numero>{number}</Numero><CodigoVerificacao>ABC123</CodigoVerificacao>"
        "<DataEmissao>2026-03-05T10:11:12</DataEmissao><IdentificacaoRps><Numero>9</Numero>"
        "<Serie>A</Serie><Tipo>1</Tipo></IdentificacaoRps>"
        "<NaturezaOperacao>1</NaturezaOperacao><OptanteSimplesNacional>2</OptanteSimplesNacional>"
        "<Competencia>2026-03-01</Competencia><NfseSubstituida>14</NfseSubstituida>"
        "<Servico><Valores><ValorServicos>1000.00</ValorServicos>"
        "<ValorDeducoes>100.00</ValorDeducoes><ValorPis>6.50</ValorPis>"
        "<ValorCofins>30.00</ValorCofins><ValorInss>0.00</ValorInss><ValorIr>15.00</ValorIr>"
        f"<ValorCsll>10.00</ValorCsll><IssRetido>{withheld}</IssRetido><ValorIss>18.00</ValorIss>"
        "<ValorIssRetido>18.00</ValorIssRetido><BaseCalculo>900.00</BaseCalculo>"
        "<Aliquota>0.02</Aliquota><ValorLiquidoNfse>920.50</ValorLiquidoNfse></Valores>"
        "<ItemListaServico>17.01</ItemListaServico><CodigoCnae>7020400</CodigoCnae>"
        "<Discriminacao>Consultoria</Discriminacao><CodigoMunicipio>3106200</CodigoMunicipio>"
        "</Servico><PrestadorServico><IdentificacaoPrestador><Cnpj>11222333000181</Cnpj>"
        "<InscricaoMunicipal>77</InscricaoMunicipal></IdentificacaoPrestador>"
        f"{_PARTY.format(name='PRESTADORA')}</PrestadorServico><TomadorServico>"
        "<IdentificacaoTomador><CpfCnpj><Cnpj>22333444000155</Cnpj></CpfCnpj>"
        f"</IdentificacaoTomador>{_PARTY.format(name='TOMADORA')}</TomadorServico>"
        "<OrgaoGerador><CodigoMunicipio>3106200</CodigoMunicipio><Uf>MG</Uf></OrgaoGerador>"
        f"<CampoDaCidade>x</CampoDaCidade></InfNfse></Nfse>{more}</CompNfse>"
    )


CANCELLED = (
    "<NfseCancelamento><Confirmacao><Pedido><InfPedidoCancelamento>"
    "<CodigoCancelamento>2</CodigoCancelamento></InfPedidoCancelamento></Pedido>"
    "<DataHoraCancelamento>2026-03-06T08:00:00</DataHoraCancelamento></Confirmacao>"
    "</NfseCancelamento>"
)
REPLACED = (
    "<NfseSubstituicao><SubstituicaoNfse><NfseSubstituidora>16</NfseSubstituidora>"
    "</SubstituicaoNfse></NfseSubstituicao>"
)


def abrasf_2(version: str = "2.04") -> str:
    """An answer ConsultarNfseResposta that holds a CompNfse of ABRASF 2.0x."""
    return (
        f'<ConsultarNfseResposta xmlns="{ABRASF}"><ListaNfse><CompNfse><Nfse versao="{version}">'
        "<InfNfse><Numero>201</Numero><CodigoVerificacao>XYZ9</CodigoVerificacao>"
        "<DataEmissao>2026-04-05T10:11:12</DataEmissao><ValoresNfse>"
        "<BaseCalculo>500.00</BaseCalculo><Aliquota>5.00</Aliquota><ValorIss>25.00</ValorIss>"
        "<ValorLiquidoNfse>475.00</ValorLiquidoNfse></ValoresNfse><PrestadorServico>"
        "<IdentificacaoPrestador><CpfCnpj><Cnpj>11222333000181</Cnpj></CpfCnpj>"
        f"</IdentificacaoPrestador>{_PARTY.format(name='PRESTADORA')}</PrestadorServico>"
        "<OrgaoGerador><CodigoMunicipio>4106902</CodigoMunicipio><Uf>PR</Uf></OrgaoGerador>"
        "<DeclaracaoPrestacaoServico><InfDeclaracaoPrestacaoServico>"
        "<Rps><IdentificacaoRps><Numero>33</Numero><Serie>B</Serie></IdentificacaoRps></Rps>"
        "<Competencia>2026-04-01</Competencia><Servico><Valores>"
        "<ValorServicos>500.00</ValorServicos></Valores><IssRetido>1</IssRetido>"
        "<ResponsavelRetencao>1</ResponsavelRetencao>"
        "<ItemListaServico>14.01</ItemListaServico><CodigoNbs>115022000</CodigoNbs>"
        "<Discriminacao>Manutenção</Discriminacao><CodigoMunicipio>4106902</CodigoMunicipio>"
        "<ExigibilidadeISS>1</ExigibilidadeISS>"
        "<MunicipioIncidencia>4106902</MunicipioIncidencia></Servico>"
        "<Tomador><IdentificacaoTomador><CpfCnpj><Cpf>12345678909</Cpf></CpfCnpj>"
        f"</IdentificacaoTomador>{_PARTY.format(name='TOMADOR')}</Tomador>"
        "<OptanteSimplesNacional>2</OptanteSimplesNacional></InfDeclaracaoPrestacaoServico>"
        "</DeclaracaoPrestacaoServico></InfNfse></Nfse></CompNfse></ListaNfse>"
        "</ConsultarNfseResposta>"
    )


def coupon(chave: str) -> str:
    """A CF-e SAT of two items, paid in two ways."""
    items = "".join(
        f'<det nItem="{n}"><prod><cProd>{n}</cProd><xProd>PÃO</xProd><NCM>19059090</NCM>'
        "<CFOP>5102</CFOP><uCom>UN</uCom><qCom>2.0000</qCom><vUnCom>1.500</vUnCom>"
        "<vProd>3.00</vProd><indRegra>A</indRegra><vItem>3.00</vItem></prod><imposto><ICMS>"
        "<ICMS00><Orig>0</Orig><CST>00</CST><pICMS>18.00</pICMS><vICMS>0.54</vICMS></ICMS00></ICMS>"
        "</imposto></det>"
        for n in (1, 2)
    )
    return (
        f'<CFe><infCFe Id="CFe{chave}" versao="0.08"><ide><cUF>35</cUF><cNF>123456</cNF>'
        "<mod>59</mod><nserieSAT>000012345</nserieSAT><nCFe>000077</nCFe><dEmi>20240315</dEmi>"
        "<hEmi>101112</hEmi><cDV>1</cDV><tpAmb>1</tpAmb><numeroCaixa>001</numeroCaixa></ide>"
        "<emit><CNPJ>11222333000181</CNPJ><xNome>PADARIA</xNome><enderEmit><xLgr>RUA B</xLgr>"
        "<xMun>SAO PAULO</xMun></enderEmit></emit><dest><CPF>12345678909</CPF></dest>"
        f"{items}<total><ICMSTot><vICMS>1.08</vICMS><vProd>6.00</vProd></ICMSTot>"
        "<vCFe>6.00</vCFe></total><pgto><MP><cMP>01</cMP><vMP>4.00</vMP></MP>"
        "<MP><cMP>03</cMP><vMP>3.00</vMP><cAdmC>999</cAdmC></MP><vTroco>1.00</vTroco></pgto>"
        "</infCFe></CFe>"
    )


def coupon_cancellation(chave: str, own: str) -> str:
    """The CF-e that cancels it."""
    return (
        f'<CFeCanc><infCFe Id="CFe{own}" chCanc="CFe{chave}" versao="0.08"><dEmi>20240315</dEmi>'
        "<ide><cUF>35</cUF><mod>59</mod><nserieSAT>000012345</nserieSAT><nCFe>000078</nCFe>"
        "<dEmi>20240315</dEmi><hEmi>102030</hEmi></ide><emit><CNPJ>11222333000181</CNPJ></emit>"
        "<total><vCFe>6.00</vCFe></total></infCFe></CFeCanc>"
    )
