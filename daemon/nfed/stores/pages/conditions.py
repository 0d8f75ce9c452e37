"""Says in SQL how the rows of a subject are chosen, once for SQLite and PostgreSQL.

A condition has the name of the value that it compares with. SQLite's query holds those whose value
is asked for; PostgreSQL's function holds all of them, each beside the test whether it is.
"""

from nfed.stores.pages.subjects import Subject
from nfed.stores.tables import Backend

_COMPANY = "(select c.id from {public}empresas c where c.cpf_cnpj = {value})"
_OF_NOTES = {
    "emitente": f"n.emitente_id = {_COMPANY}",
    "destinatario": f"n.destinatario_id = {_COMPANY}",
    "empresa": f"(n.emitente_id = {_COMPANY} or n.destinatario_id = {_COMPANY})",
    "not_emitente": f"(n.emitente_id is null or n.emitente_id <> {_COMPANY})",
    "since": "n.data_hora_emissao >= {value}",
    "until": "n.data_hora_emissao < {value}",
    "status": "n.status = {value}",
    "modelo": "n.modelo = {value}",
    "chaves": "n.chave_acesso {in_list}",
}
# Who issued it stands in the key of what has a key of 44 characters (MOC 7.0, Visão Geral, 2.2.6).
_IN_KEY = "case when length(x.chave_acesso) = 44 then substr(x.chave_acesso, 7, 14) end"
_EVENT_ISSUER = f"coalesce(e.cpf_cnpj, {_IN_KEY}) = {{value}}"
_EVENT_RECIPIENT = "coalesce(d.cpf_cnpj, x.destinatario_cpf_cnpj) = {value}"
_OF_EVENTS = {
    "emitente": _EVENT_ISSUER,
    "destinatario": _EVENT_RECIPIENT,
    "empresa": f"({_EVENT_ISSUER} or {_EVENT_RECIPIENT} or x.autor_cpf_cnpj = {{value}})",
    "since": "x.data_hora_evento >= {value}",
    "until": "x.data_hora_evento < {value}",
    "status": "x.status = {value}",
    "modelo": "substr(x.chave_acesso, 21, 2) = {value}",
    "chaves": "x.chave_acesso {in_list}",
}
_DFE_ISSUER = f"coalesce(x.emitente_cpf_cnpj, {_IN_KEY}) = {{value}}"
_DFE_RECIPIENT = "{value} in (x.destinatario_cpf_cnpj, x.tomador_cpf_cnpj)"
_OF_DOCUMENTS = {
    "emitente": _DFE_ISSUER,
    "destinatario": _DFE_RECIPIENT,
    "empresa": f"({_DFE_ISSUER} or {_DFE_RECIPIENT} or x.remetente_cpf_cnpj = {{value}})",
    "since": "x.data_hora_emissao >= {value}",
    "until": "x.data_hora_emissao < {value}",
    "status": "x.status = {value}",
    "modelo": "x.modelo = {value}",
    "chaves": "x.chave_acesso {in_list}",
    "identificadores": "x.identificador {in_list}",
}
_BY_ROOT = {
    "notas_fiscais": _OF_NOTES,
    "nf_eventos": _OF_EVENTS,
    "dfe_documentos": _OF_DOCUMENTS,
}
_IN_LIST = {
    Backend.SQLITE: "in (select value from json_each({value}))",
    Backend.POSTGRES: "= any ({value})",
}


def conditions(subject: Subject, backend: Backend) -> dict[str, str]:
    """By the name of their value; `{value}` stands for that, `{public}` before names of tables."""
    found = _BY_ROOT[subject.root]
    return {name: text.replace("{in_list}", _IN_LIST[backend]) for name, text in found.items()}
