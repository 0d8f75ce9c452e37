"""The importer that nfed's HTTP store is measured against: one REST call for each row.

    python -m bench.row_by_row FOLDER URL [httpx]

Five threads take a file each: they read it as nfed does, and insert its rows one after the other,
the parent's before its children's, for these need its id; nothing is asked twice. They do it by
supabase-py, as its documentation shows; or, with `httpx`, by the barest requests that will do. The
secret key is read from the environment, SUPABASE_SERVICE_KEY. Prints the seconds it took, without
start-up.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import supabase

from nfed.documents import document_from
from nfed.documents.layout import tables
from nfed.documents.layout.nota import NOTAS_FISCAIS
from nfed.settings import Settings
from nfed.stores.chunk import LINKS, PARTY_FIELDS, Identity, Parties, parties
from nfed.stores.tables import Backend, stored_columns
from nfed.wiring import checks_of

THREADS = 5

_FILE_NAME = NOTAS_FISCAIS.position("arquivo_nome")


type JSON = dict[str, Any]
type Inserts = Callable[[str, JSON, str | None], int]
"""Inserts a row into a table, or updates the one that has the same in that column: its id."""


def by_supabase(url: str, key: str) -> Inserts:
    """With the client that Supabase gives to Python."""
    client = supabase.create_client(url, key)

    def insert(table: str, row: JSON, conflict: str | None) -> int:
        rows = client.table(table)
        query = rows.upsert(row, on_conflict=conflict) if conflict else rows.insert(row)
        stored: Any = query.execute().data
        return int(stored[0]["id"])

    return insert


def by_httpx(url: str, key: str) -> Inserts:
    """With nothing in between; only the id comes back."""
    client = httpx.Client(headers={"apikey": key, "Authorization": f"Bearer {key}"}, timeout=60)

    def insert(table: str, row: JSON, conflict: str | None) -> int:
        query = {"select": "id"} | ({"on_conflict": conflict} if conflict else {})
        prefer = "return=representation" + (",resolution=merge-duplicates" if conflict else "")
        answer = client.post(
            f"{url}/rest/v1/{table}", json=row, params=query, headers={"Prefer": prefer}
        )
        answer.raise_for_status()
        return int(answer.json()[0]["id"])

    return insert


class Importer:
    """Puts notes into a Supabase project, row by row."""

    def __init__(self, inserting: Callable[[], Inserts]) -> None:
        """Each thread makes an `Inserts` for itself."""
        self._inserting = inserting
        self._checks = checks_of(Settings())
        self._own = threading.local()
        self._layout = [table for name, table in tables().items() if name != "empresas"]
        self._columns = {
            table.name: stored_columns(table, Backend.POSTGRES) for table in self._layout
        }

    def put(self, path: Path) -> None:
        """One file. Raises what the client raises where the server does not take a row."""
        document = document_from(path.read_bytes(), self._checks)
        document.rows["notas_fiscais"][0][_FILE_NAME] = path.name
        found = parties([document])
        found.link(self._party_ids(found))
        ids: dict[str, list[int]] = {}
        for table in self._layout:
            for row in document.rows.get(table.name, ()):
                values: JSON = {
                    name: row[at]
                    for name, at in self._columns[table.name].items()
                    if row[at] is not None
                }
                if table.link is not None and table.parent is not None:
                    values[table.link] = ids[table.parent][int(row[0] or 0)]
                ids.setdefault(table.name, []).append(self._insert(table.name, values))

    def _party_ids(self, found: Parties) -> dict[Identity, int]:
        ids: dict[Identity, int] = {}
        for papel in LINKS:
            names = (*PARTY_FIELDS, "tipo_pessoa", f"emissao_como_{papel}")
            own = (identity for role, identity in found.newest if role == papel)
            for identity, values in zip(own, found.values(papel), strict=True):
                row: JSON = {
                    name: value
                    for name, value in zip(names, values, strict=True)
                    if value is not None
                }
                ids[identity] = self._insert("empresas", row, conflict="cpf_cnpj")
        return ids

    def _insert(self, table: str, row: JSON, *, conflict: str | None = None) -> int:
        if not hasattr(self._own, "inserts"):
            self._own.inserts = self._inserting()
        inserts: Inserts = self._own.inserts
        return inserts(table, row, conflict)


def import_folder(folder: Path, importer: Importer) -> float:
    """Imports every file of the folder; returns the seconds."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    document_from(paths[0].read_bytes(), checks_of(Settings()))  # compiles the schemas
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(importer.put, paths):
            pass
    return time.perf_counter() - began


if __name__ == "__main__":
    _folder, _url, *_how = sys.argv[1:]
    _by = by_httpx if _how == ["httpx"] else by_supabase
    _importer = Importer(lambda: _by(_url, os.environ["SUPABASE_SERVICE_KEY"]))
    print(import_folder(Path(_folder), _importer))
