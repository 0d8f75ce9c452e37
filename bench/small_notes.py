"""Notes of about 2.8 KB, neither signed nor authorised, by the million: one, with other numbers."""

import re
from pathlib import Path

from bench.generator import Generator
from nfed.documents.checks.key import check_digit

_NUMBER = slice(25, 34)  # of the chave: nNF
_LEFT_OUT = re.compile(rb"<(transp|cobr|infAdic)>.*</\1>|<Signature.*</Signature>")
_MODE_FRETE = b"<transp><modFrete>9</modFrete></transp>"


def drop_small_notes(count: int, folder: Path) -> None:
    """Writes `count` notes, numbered from 1, into a new folder."""
    folder.mkdir(parents=True)
    first = Generator(1).note(0, items=1, rich=False, authorised=False)
    xml = _LEFT_OUT.sub(lambda found: _MODE_FRETE if found[1] == b"transp" else b"", first.xml)
    number = int(first.chave[_NUMBER])
    for n in range(1, count + 1):
        chave = f"{first.chave[: _NUMBER.start]}{n:09d}{first.chave[_NUMBER.stop : 43]}"
        chave += check_digit(chave)
        one = xml.replace(first.chave.encode(), chave.encode())
        one = one.replace(b"<nNF>%d</nNF>" % number, b"<nNF>%d</nNF>" % n)
        one = one.replace(
            b"<cDV>%s</cDV>" % first.chave[43].encode(), b"<cDV>%s</cDV>" % chave[43].encode()
        )
        (folder / f"nota-{n:07d}.xml").write_bytes(one)
