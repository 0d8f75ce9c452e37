"""What a note says against itself: its key against its content."""

from dataclasses import dataclass

from daemon.documents import access_key
from daemon.documents.extract import Rows
from daemon.documents.layout_nota import NF_PARTES, NOTAS_FISCAIS
from daemon.documents.policy import Policy
from daemon.errors import InvalidAccessKey


@dataclass(frozen=True)  # without slots, which pickle by a slow road
class Finding:
    """A remark on a document that does not keep it out."""

    code: str
    """Stable, for the ledger and for error.json."""
    text: str


_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_PAPEL = NF_PARTES.position("papel")
AVULSA = frozenset(map(str, range(890, 900)))
"""Series of notes that the tax office issues itself (XSD, TSerie)."""
_AT = {
    name: NOTAS_FISCAIS.position(name)
    for name in (
        "codigo_uf",
        "data_hora_emissao",
        "modelo",
        "serie",
        "numero_nf",
        "tipo_emissao",
        "codigo_numerico_aleatorio",
        "digito_verificador",
    )
}


def key_faults(chave: str, protocol_chave: str | None) -> str | None:
    """Why the key cannot be right, or None (rejections 236 and 502 of the manual)."""
    if not access_key.is_well_formed(chave):
        return (
            f"chave {chave!r} has {len(chave)} characters; expected 44: 6 digits, 12 digits or "
            "capital letters, 26 digits"
        )
    expected = access_key.check_digit(chave[:43])
    if chave[43] != expected:
        return f"chave {chave} ends in {chave[43]}, expected {expected}"
    if protocol_chave is not None and protocol_chave != chave:
        return f"the protocol names chave {protocol_chave}, the note's Id {chave}"
    return None


def key_by_policy(fault: str | None, chave: str, policy: Policy) -> list[Finding]:
    """What a fault of a key comes to. Raises InvalidAccessKey where the policy refuses."""
    if fault and policy is Policy.REFUSE:
        raise InvalidAccessKey(fault, chave)
    return [Finding("KEY", fault)] if fault and policy is Policy.WARN else []


def key_against_content(chave: str, rows: Rows, layout: str = "4.00") -> list[Finding]:
    """Where the parts of the key differ from the fields they are made of (MOC 7.0, 5.4).

    Avulsa notes (series 890 to 899) carry the tax office's CNPJ and are not compared in it; a
    CPF is padded with zeros. Before layout 2.00 the key had no tpEmis and nine digits of cNF.
    """
    key = access_key.split(chave)
    note = rows["notas_fiscais"][0]
    issued = str(note[_AT["data_hora_emissao"]] or "")
    serie = str(note[_AT["serie"]] or "")
    pairs = [
        ("KEY-UF", "cUF", key.uf, note[_AT["codigo_uf"]]),
        ("KEY-MES", "dhEmi", key.ano_mes, issued[2:4] + issued[5:7]),
        ("KEY-MODELO", "mod", key.modelo, note[_AT["modelo"]]),
        ("KEY-SERIE", "serie", key.serie, serie.zfill(3)),
        ("KEY-NUMERO", "nNF", key.numero, str(note[_AT["numero_nf"]] or "").zfill(9)),
        ("KEY-TPEMIS", "tpEmis", key.tipo_emissao, note[_AT["tipo_emissao"]]),
        ("KEY-CNF", "cNF", key.codigo_numerico, note[_AT["codigo_numerico_aleatorio"]]),
        ("KEY-CDV", "cDV", key.digito, note[_AT["digito_verificador"]]),
    ]
    if layout < "2.00":
        pairs = [pair for pair in pairs if pair[0] not in ("KEY-TPEMIS", "KEY-CNF")]
    if serie not in AVULSA:
        issuer = next(
            (str(p[_CPF_CNPJ] or "") for p in rows.get("nf_partes", ()) if p[_PAPEL] == "emitente"),
            "",
        )
        pairs.append(("KEY-EMITENTE", "emit/CNPJ", key.cpf_cnpj, issuer.zfill(14)))
    return [
        Finding(code, f"the key says {in_key!r} where <{tag}> says {found!r}")
        for code, tag, in_key, found in pairs
        if in_key != found
    ]
