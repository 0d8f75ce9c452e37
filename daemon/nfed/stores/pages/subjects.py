"""Names what can be read in pages, and the columns that each has: notes, items, events, the rest.

A column is one of the layout's under the heading of its own, so that its kind (digits, places, a
date) is the layout's.
"""

from dataclasses import dataclass
from functools import cache

from nfed.documents.layout import tables
from nfed.documents.layout.columns import EXACT_SUFFIX, INSTANT_SUFFIX, Kind, Moment, Number
from nfed.stores.tables import Backend

MOST_FIELDS = 99
"""What json_build_array takes: FUNC_MAX_ARGS of PostgreSQL."""
_NOTES_ORDER = ("n.data_hora_emissao", "n.id")


@dataclass(frozen=True, slots=True)
class Field:
    """A column of what is read."""

    name: str
    """The heading."""
    kind: Kind
    alias: str
    """Of the table in the subject's SQL."""
    column: str

    def selected(self, backend: Backend) -> str:
        """The expression that reads it.

        SQLite: a number as written, where its digits are more than a double's; a moment with its
        offset. PostgreSQL: a moment as a pair of the issuer's clock and the instant.
        """
        plain = f"{self.alias}.{self.column}"
        match self.kind, backend:
            case Number(needs_twin=True), Backend.SQLITE:
                return f"coalesce({plain}{EXACT_SUFFIX}, {plain})"
            case Moment(), Backend.SQLITE:
                return f"coalesce({plain}{INSTANT_SUFFIX}, {plain})"
            case Moment(), Backend.POSTGRES:
                return f"json_build_array({plain}, {plain}{INSTANT_SUFFIX})"
            case _:
                return plain


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of row, in an order in which a page can go on after the one before it."""

    name: str
    root: str
    """The table of the documents that are chosen from."""
    fields: tuple[Field, ...]
    order: tuple[str, ...]
    """Columns that tell every row from every other, in the order of reading."""

    @property
    def by_note(self) -> bool:
        """True where the order is that of the notes' issue, which an index has."""
        return self.root == "notas_fiscais"

    @property
    def file(self) -> str:
        """Where its SQL lies."""
        return f"pages/{self.name.removeprefix('xml_')}.sql"

    def position(self, name: str) -> int:
        """Where in a row the field of that heading stands."""
        return [field.name for field in self.fields].index(name)


def _of(alias: str, table: str, names: str, heading: str = "{}") -> tuple[Field, ...]:
    """Columns of a table; `heading` makes their names."""
    kinds = {column.name: column.kind for column in tables()[table].columns}
    return tuple(Field(heading.format(name), kinds[name], alias, name) for name in names.split())


def _parties(names: str) -> tuple[Field, ...]:
    return (
        *_of("e", "empresas", names, "emitente_{}"),
        *_of("d", "empresas", names, "destinatario_{}"),
    )


def _notas() -> tuple[Field, ...]:
    return (
        *_of(
            "n",
            "notas_fiscais",
            "chave_acesso modelo serie numero_nf data_hora_emissao data_hora_saida_entrada "
            "tipo_operacao finalidade_emissao natureza_operacao status codigo_status "
            "numero_protocolo data_hora_recebimento data_hora_cancelamento",
        ),
        *_parties("cpf_cnpj razao_social inscricao_estadual uf"),
        *_of(
            "n",
            "notas_fiscais",
            "valor_total_produtos valor_frete valor_seguro valor_desconto valor_outras_despesas "
            "valor_total_nota base_calculo_icms valor_icms valor_icms_desonerado valor_fcp "
            "base_calculo_icms_st valor_icms_st valor_fcp_st valor_ipi valor_ipi_devolvido "
            "valor_imposto_importacao valor_pis valor_cofins valor_icms_mono "
            "valor_icms_uf_destino valor_icms_uf_remetente valor_fcp_uf_destino "
            "valor_total_servicos valor_issqn valor_is base_calculo_ibs_cbs valor_ibs_uf "
            "valor_ibs_municipio valor_ibs valor_cbs valor_total_com_ibs_cbs_is "
            "valor_total_tributos modalidade_frete pedido_compra informacoes_complementares "
            "arquivo_nome arquivo_sha256",
        ),
    )


def _itens() -> tuple[Field, ...]:
    return (
        *_of(
            "n",
            "notas_fiscais",
            "chave_acesso modelo serie numero_nf data_hora_emissao tipo_operacao status",
        ),
        *_parties("cpf_cnpj razao_social"),
        *_of(
            "i",
            "nf_itens",
            "numero_item codigo_produto codigo_ean descricao ncm cest cfop unidade_comercial "
            "quantidade_comercial valor_unitario_comercial valor_total_bruto valor_desconto "
            "valor_frete valor_seguro valor_outras_despesas unidade_tributavel "
            "quantidade_tributavel valor_unitario_tributavel indicador_total "
            "codigo_beneficio_fiscal numero_pedido_compra",
        ),
        *_of(
            "icms",
            "nf_itens_icms",
            "origem cst csosn valor_bc percentual_reducao_bc aliquota valor_icms "
            "valor_icms_desonerado valor_fcp percentual_mva_st valor_bc_st aliquota_st "
            "valor_icms_st valor_fcp_st valor_credito_sn valor_bc_st_retido valor_icms_st_retido "
            "valor_icms_mono valor_icms_uf_destino valor_icms_uf_remetente",
            "icms_{}",
        ),
        *_of("ipi", "nf_itens_ipi", "cst valor_bc aliquota valor_ipi", "ipi_{}"),
        *_of("pis", "nf_itens_pis", "cst valor_bc aliquota valor_pis", "pis_{}"),
        *_of("cofins", "nf_itens_cofins", "cst valor_bc aliquota valor_cofins", "cofins_{}"),
        *_of("issqn", "nf_itens_issqn", "valor_bc aliquota valor_issqn", "issqn_{}"),
        *_of("seletivo", "nf_itens_is", "cst valor_is", "is_{}"),
        *_of(
            "ibscbs",
            "nf_itens_ibscbs",
            "cst classificacao_tributaria valor_bc aliquota_ibs_uf valor_ibs_uf "
            "aliquota_ibs_municipio valor_ibs_municipio valor_ibs aliquota_cbs valor_cbs",
            "ibscbs_{}",
        ),
    )


def _eventos() -> tuple[Field, ...]:
    return (
        *_of(
            "x",
            "nf_eventos",
            "chave_acesso tipo_evento sequencia_evento codigo_orgao descricao data_hora_evento "
            "autor_cpf_cnpj texto status codigo_status motivo_status numero_protocolo "
            "data_hora_registro chave_substituta",
        ),
        *_of("x", "nf_eventos", "destinatario_cpf_cnpj", "registro_{}"),
        *_of("n", "notas_fiscais", "modelo serie numero_nf status", "nota_{}"),
        *_parties("cpf_cnpj"),
        *_of("x", "nf_eventos", "arquivo_nome arquivo_sha256"),
    )


_DFE = (
    "identificador especie tipo chave_acesso modelo serie numero data_hora_emissao status "
    "codigo_status numero_protocolo data_hora_recebimento emitente_cpf_cnpj emitente_nome "
    "emitente_uf remetente_cpf_cnpj remetente_nome destinatario_cpf_cnpj destinatario_nome "
    "tomador_papel tomador_cpf_cnpj tomador_nome uf_inicio uf_fim valor_total valor_liquido "
    "tipo_evento sequencia_evento texto arquivo_nome arquivo_sha256"
)
_SOURCE = "arquivo_nome arquivo_sha256"


@cache
def subjects() -> dict[str, Subject]:
    """All of them by name; `xml_…` are the documents' texts."""
    made = (
        Subject("notas", "notas_fiscais", _notas(), _NOTES_ORDER),
        Subject("itens", "notas_fiscais", _itens(), (*_NOTES_ORDER, "i.id")),
        Subject("eventos", "nf_eventos", _eventos(), ("x.id",)),
        Subject("documentos", "dfe_documentos", _of("x", "dfe_documentos", _DFE), ("x.id",)),
        Subject(
            "xml_notas",
            "notas_fiscais",
            (
                *_of(
                    "n",
                    "notas_fiscais",
                    "chave_acesso modelo mes_emissao tipo_operacao status numero_protocolo "
                    f"{_SOURCE} xml_completo",
                ),
                *_parties("cpf_cnpj"),
            ),
            _NOTES_ORDER,
        ),
        Subject(
            "xml_eventos",
            "nf_eventos",
            _of(
                "x",
                "nf_eventos",
                "chave_acesso identificador tipo_evento sequencia_evento codigo_orgao status "
                f"{_SOURCE} xml",
            ),
            ("x.id",),
        ),
        Subject(
            "xml_documentos",
            "dfe_documentos",
            _of(
                "x",
                "dfe_documentos",
                "identificador chave_acesso especie tipo data_hora_emissao status "
                "emitente_cpf_cnpj destinatario_cpf_cnpj tomador_cpf_cnpj numero_protocolo "
                f"{_SOURCE} xml",
            ),
            ("x.id",),
        ),
    )
    for subject in made:
        assert len({field.name for field in subject.fields}) == len(subject.fields), subject.name
        assert len(subject.fields) + len(subject.order) <= MOST_FIELDS, subject.name
    return {subject.name: subject for subject in made}
