"""The layout's tables, the two views and the triggers of the database that users know.

Only adds: what a database already has of these names is left as it is.
"""

from alembic import op
from sqlalchemy import text

from daemon.stores.schema import metadata

revision = "0001"
down_revision = None

_VIEWS = {
    "vw_notas_fiscais_resumo": """
        select n.id, n.chave_acesso, n.numero_nf, n.serie, n.data_hora_emissao,
               n.natureza_operacao, n.tipo_operacao, n.status,
               e.razao_social as emitente, e.cpf_cnpj as emitente_cpf_cnpj,
               d.razao_social as destinatario, d.cpf_cnpj as destinatario_cpf_cnpj,
               n.valor_total_produtos, n.valor_total_nota, n.valor_icms, n.valor_ipi,
               n.valor_pis, n.valor_cofins,
               (select count(*) from nf_itens i where i.nota_fiscal_id = n.id) as quantidade_itens
          from notas_fiscais n
          left join empresas e on e.id = n.emitente_id
          left join empresas d on d.id = n.destinatario_id
    """,
    "vw_nf_itens_completo": """
        select n.chave_acesso, n.numero_nf, n.serie, i.numero_item, i.codigo_produto, i.descricao,
               i.ncm, i.cfop, i.quantidade_comercial, i.valor_unitario_comercial,
               i.valor_total_bruto, icms.valor_bc as icms_bc, icms.valor_icms, ipi.valor_ipi,
               pis.valor_pis, cofins.valor_cofins
          from nf_itens i
          join notas_fiscais n on n.id = i.nota_fiscal_id
          left join nf_itens_icms icms on icms.nf_item_id = i.id
          left join nf_itens_ipi ipi on ipi.nf_item_id = i.id
          left join nf_itens_pis pis on pis.nf_item_id = i.id
          left join nf_itens_cofins cofins on cofins.nf_item_id = i.id
    """,
}


def upgrade() -> None:
    """Adds what is missing."""
    connection = op.get_bind()
    metadata().create_all(connection, checkfirst=True)
    for name, query in _VIEWS.items():
        connection.execute(text(f"create view if not exists {name} as {query}"))
    for table in ("empresas", "notas_fiscais"):
        connection.execute(
            text(
                f"create trigger if not exists tg_{table}_updated_at after update on {table} "
                "when new.updated_at is old.updated_at begin "
                f"update {table} set updated_at = current_timestamp where id = new.id; end"
            )
        )
