"""What documents do to each other, whichever comes first, in SQL that every store speaks.

Each statement takes the keys that a chunk brought, as a subselect in the place of `{chaves}`, and
changes nothing when it runs again.
"""

from daemon.documents.document import RANKED, rank


def rank_of(alias: str) -> str:
    """`rank` of a row's codigo_status and numero_protocolo, as an expression."""
    whens = " ".join(f"when '{cstat}' then {rank(cstat)}" for cstat in RANKED)
    return (
        f"case when coalesce({alias}.codigo_status, '') = '' then "
        f"case when coalesce({alias}.numero_protocolo, '') = '' then 0 else {rank(None, 'x')} end "
        f"else case {alias}.codigo_status {whens} else {rank('999')} end end"
    )


_PROTOCOL = f"""
update notas_fiscais as n
   set tipo_ambiente_protocolo = p.tipo_ambiente,
       versao_aplicativo_recepcao = p.versao_aplicativo,
       numero_protocolo = p.numero_protocolo,
       digest_value = p.digest_value,
       data_hora_recebimento = p.data_hora_recebimento,
       data_hora_recebimento_tz = p.data_hora_recebimento_tz,
       codigo_status = p.codigo_status,
       motivo_status = p.motivo_status,
       status = case when n.status in ('cancelada', 'inutilizada') then n.status else p.status end
  from (select a.*, row_number() over (
                   partition by a.chave_acesso order by {rank_of("a")} desc, a.identificador
               ) as place
          from nf_protocolos a where a.chave_acesso in {{chaves}}) as p
 where p.place = 1 and p.chave_acesso = n.chave_acesso and {rank_of("p")} > {rank_of("n")}
"""
_CANCELLATION = """
update notas_fiscais as n
   set status = 'cancelada',
       data_hora_cancelamento = coalesce(e.data_hora_registro, e.data_hora_evento),
       data_hora_cancelamento_tz = coalesce(e.data_hora_registro_tz, e.data_hora_evento_tz),
       protocolo_cancelamento = e.numero_protocolo,
       justificativa_cancelamento = e.texto
  from (select a.*, row_number() over (
                   partition by a.chave_acesso order by a.sequencia_evento, a.identificador
               ) as place
          from nf_eventos a
         where a.chave_acesso in {chaves} and a.status = 'registrado'
           and a.tipo_evento in ('110111', '110112')) as e
 where e.place = 1 and e.chave_acesso = n.chave_acesso
   and (coalesce(n.status, '') <> 'cancelada'
        or (n.protocolo_cancelamento is null and e.numero_protocolo is not null)
        or (n.justificativa_cancelamento is null and e.texto is not null))
"""
_CORRECTION_UPDATED = """
update nf_cce as c
   set data_hora_evento = e.data_hora_evento, data_hora_evento_tz = e.data_hora_evento_tz,
       correcao = coalesce(e.texto, c.correcao),
       versao_aplicativo = e.versao_aplicativo, numero_protocolo = e.numero_protocolo,
       data_hora_recebimento = e.data_hora_registro,
       data_hora_recebimento_tz = e.data_hora_registro_tz,
       codigo_status = e.codigo_status, motivo_status = e.motivo_status
  from nf_eventos e join notas_fiscais n on n.chave_acesso = e.chave_acesso
 where e.chave_acesso in {chaves} and e.tipo_evento = '110110' and e.status <> 'rejeitado'
   and c.nota_fiscal_id = n.id and c.sequencia_evento = e.sequencia_evento
   and c.numero_protocolo is null and e.numero_protocolo is not null
"""
_CORRECTION = """
insert into nf_cce (nota_fiscal_id, sequencia_evento, data_hora_evento, data_hora_evento_tz,
                    correcao, tipo_ambiente, versao_aplicativo, numero_protocolo,
                    data_hora_recebimento, data_hora_recebimento_tz, codigo_status, motivo_status)
select n.id, e.sequencia_evento, e.data_hora_evento, e.data_hora_evento_tz, e.texto,
       e.tipo_ambiente, e.versao_aplicativo, e.numero_protocolo, e.data_hora_registro,
       e.data_hora_registro_tz, e.codigo_status, e.motivo_status
  from nf_eventos e join notas_fiscais n on n.chave_acesso = e.chave_acesso
 where e.chave_acesso in {chaves} and e.tipo_evento = '110110' and e.status <> 'rejeitado'
   and not exists (select 1 from nf_cce c
                    where c.nota_fiscal_id = n.id and c.sequencia_evento = e.sequencia_evento)
"""
# A summary that tells of a cancellation stays until the note knows of it.
_SUMMARY_OF_NOTE = """
delete from nf_resumos
 where chave_acesso in {chaves} and tipo = 'nota'
   and exists (select 1 from notas_fiscais n
                where n.chave_acesso = nf_resumos.chave_acesso
                  and (coalesce(nf_resumos.situacao, '1') not in ('2', '3')
                       or n.status in ('cancelada', 'denegada')))
"""
_SUMMARY_OF_EVENT = """
delete from nf_resumos
 where chave_acesso in {chaves} and tipo = 'evento'
   and exists (select 1 from nf_eventos e where e.identificador = nf_resumos.identificador)
"""
# NFS-e: by its issuer, by substitution, granted by the municipality, by its own decision.
_OTHER_CANCELLATION = """
update dfe_documentos as d
   set status = 'cancelada'
  from (select distinct a.chave_acesso from dfe_documentos a
         where a.chave_acesso in {chaves} and a.especie = 'evento' and a.status = 'registrado'
           and (a.tipo_evento in ('110111', '101101')
                or a.tipo = 'eventoNFSe' and a.tipo_evento in ('105102', '105104', '305101'))) as e
 where d.especie = 'documento' and d.chave_acesso = e.chave_acesso and d.status <> 'cancelada'
"""

NOTE_STATEMENTS = (
    _PROTOCOL,
    _CANCELLATION,
    _CORRECTION_UPDATED,
    _CORRECTION,
    _SUMMARY_OF_NOTE,
    _SUMMARY_OF_EVENT,
)
OTHER_STATEMENTS = (_OTHER_CANCELLATION,)
WAITING_TABLES = ("nf_eventos", "nf_protocolos", "nf_resumos")
"""While these are empty, no statement of NOTE_STATEMENTS has anything to do."""
