"""Takes pictures of every screen: light, dark and phone, in Portuguese and English.

`python -m tests.web.screenshots FOLDER`, which is what `make screenshots` says.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from nfed.web.marks import mark_of
from tests.support.chromium import browser
from tests.support.harness import Rig, eventually, notes, truncated
from tests.support.notes import generator, with_value
from tests.support.served import Served, served

LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}},
}


def main() -> None:
    """Fills a daemon with something for every screen, and goes through them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        Rig(Path(home)) as rig,
        served(rig) as server,
        browser() as chromium,
    ):
        chave = _fill(rig)
        screens = {
            "agora": "/",
            "recusados": "/painel/recusados",
            "causa": "/painel/recusados/XMLParseError",
            "recusado": f"/painel/recusado/{mark_of('ruim.xml')}",
            "notas": "/painel/notas",
            "nota": f"/painel/notas/{chave}",
            "xml": f"/painel/notas/{chave}/texto",
            "prova": f"/painel/notas/{chave}/prova?t=notas_fiscais&n=0&c=valor_total_nota",
            "resumo": f"/painel/resumo?ambiente=2&empresa={chave[6:20]}",
            "documentos": "/painel/documentos",
            "trabalhos": "/painel/trabalhos",
            "configuracao": "/painel/configuracao",
            "ajuda": "/painel/ajuda",
        }
        for look, how in LOOKS.items():
            for language in ("pt-BR", "en-US"):
                _take(chromium, server, screens, folder, f"{look}-{language[:2]}", language, how)


def _fill(rig: Rig) -> str:
    made = generator().note(5, items=3, rich=True)
    rig.drop(made)
    rig.drop_all(notes(60, start=100, items=2))
    rig.drop(b"lixo", "lixo.xml")
    rig.drop(b"<nfeProc>\n<NFe>\n<infNFe>\n</NFe>\n</nfeProc>", "ruim.xml")
    for each in notes(4, start=300):
        wrong = with_value(each.xml, "cNF", "00000000")
        rig.drop(wrong.replace(each.chave.encode(), b"1" * 44), f"chave-{each.name}")
    eventually(lambda: len(rig.chaves()) == 61 and len(rig.failed()) == 12)
    rig.drop(truncated(1), "ainda-chegando.xml")
    return made.chave


def _take(
    chromium: Browser,
    server: Served,
    screens: dict[str, str],
    folder: Path,
    name: str,
    language: str,
    how: dict[str, object],
) -> None:
    context = chromium.new_context(locale=language, **how)
    page = context.new_page()
    for screen, address in screens.items():
        page.goto(f"{server.url}{address}")
        page.wait_for_timeout(300)
        page.screenshot(path=folder / f"{screen}-{name}.png", full_page=screen != "nota")
    context.close()


if __name__ == "__main__":
    main()
