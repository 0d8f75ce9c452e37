"""Measures `nfed export` of a million items: seconds and memory, from a database made by SQL.

python -m bench.exports [--items N] [FORMAT…]
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from nfed.stores.sqlite import schema

_ITEMS_A_NOTE = 10
_FORMATS = ("csv", "xlsx", "jsonl", "parquet")
_NOTES = """
with recursive counted (n) as (select 1 union all select n + 1 from counted where n < :notes)
insert into notas_fiscais (
    id, chave_acesso, modelo, serie, numero_nf, data_hora_emissao, data_hora_emissao_tz,
    mes_emissao, tipo_operacao, status, codigo_status, numero_protocolo, emitente_id,
    destinatario_id, valor_total_produtos, valor_total_nota, valor_icms, conteudo_sha256
)
select n, printf('35261111222333000181550010%018d', n), '55', '1', n,
       datetime('2026-11-01', printf('+%d seconds', n * 20)),
       strftime('%Y-%m-%dT%H:%M:%S-03:00', '2026-11-01', printf('+%d seconds', n * 20)),
       '2026-11', '1', 'autorizada', '100', printf('1352600%08d', n), 1, 2,
       round(n * 1.37, 2), round(n * 1.41, 2), round(n * 0.18, 2), printf('%064x', n)
  from counted
"""
_ITEMS = """
with recursive counted (n) as (select 1 union all select n + 1 from counted where n < :items)
insert into nf_itens (
    id, nota_fiscal_id, numero_item, codigo_produto, codigo_ean, descricao, ncm, cest, cfop,
    unidade_comercial, quantidade_comercial, valor_unitario_comercial,
    valor_unitario_comercial_exato, valor_total_bruto, unidade_tributavel, quantidade_tributavel,
    valor_unitario_tributavel, valor_unitario_tributavel_exato, indicador_total
)
select n, (n - 1) / :each + 1, (n - 1) % :each + 1, printf('P%06d', n % 20000), '7891000315507',
       printf('PARAFUSO SEXTAVADO ZINCADO %d MM', n % 300), '73181500', '1007500', '5102', 'UN',
       n % 90 + 1, n % 700 + 0.5, printf('%d.5000000000', n % 700),
       (n % 90 + 1) * (n % 700 + 0.5), 'UN', n % 90 + 1, n % 700 + 0.5,
       printf('%d.5000000000', n % 700), '1'
  from counted
"""
_TAXES = {
    "icms": "origem, cst, valor_bc, aliquota, valor_icms) select id, '0', '00', valor_total_bruto,"
    " 18, round(valor_total_bruto * 0.18, 2)",
    "ipi": "cst, valor_bc, aliquota, valor_ipi) select id, '50', valor_total_bruto, 5,"
    " round(valor_total_bruto * 0.05, 2)",
    "pis": "cst, valor_bc, aliquota, valor_pis) select id, '01', valor_total_bruto, 1.65,"
    " round(valor_total_bruto * 0.0165, 2)",
    "cofins": "cst, valor_bc, aliquota, valor_cofins) select id, '01', valor_total_bruto, 7.6,"
    " round(valor_total_bruto * 0.076, 2)",
}


def fill(path: Path, items: int) -> None:
    """Makes the database: notes of ten items with four taxes, as a wholesaler's are."""
    schema.migrate(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "insert into empresas (id, cpf_cnpj, razao_social, uf) values (?, ?, ?, 'SP')",
            ((1, "11222333000181", "FERRAGENS LTDA"), (2, "22333444000155", "CONSTRUTORA S/A")),
        )
        connection.execute(_NOTES, {"notes": items // _ITEMS_A_NOTE})
        connection.execute(_ITEMS, {"items": items, "each": _ITEMS_A_NOTE})
        for name, columns in _TAXES.items():
            connection.execute(f"insert into nf_itens_{name} (nf_item_id, {columns} from nf_itens")


def measure(home: Path, form: str) -> tuple[float, float, float, int]:
    """Seconds, seconds of CPU, peak memory in MB, and size of the file."""
    target = home / f"itens.{form}"
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "nfed", "export", "itens", "-o", str(target)],
        cwd=home,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        raise SystemExit(f"{form}: ended with {status}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, target.stat().st_size


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("formats", nargs="*", default=_FORMATS, metavar="FORMAT")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nfed-bench-") as folder:
        home = Path(folder)
        fill(home / "nfed.db", chosen.items)
        print("| format | seconds | of CPU | items/s of CPU | peak memory | file |")
        print("|---|---:|---:|---:|---:|---:|")
        for form in chosen.formats:
            seconds, cpu, memory, size = measure(home, form)
            print(
                f"| {form} | {seconds:.0f} | {cpu:.0f} | {chosen.items / cpu:,.0f} "
                f"| {memory:.0f} MB | {size / 1e6:,.0f} MB |"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
