"""Makes the modules of bar codes: CODE-128 of a key and QR codes, for the macros that draw them."""

from dataclasses import dataclass
from itertools import groupby

import qrcode
from barcode.codex import Code128
from qrcode.exceptions import DataOverflowError

_QUIET = 10  # modules beside a CODE-128 (ISO/IEC 15417)
_QUIET_QR = 4  # around a QR code (ISO/IEC 18004)


@dataclass(frozen=True, slots=True)
class Modules:
    """Dark modules as an SVG path, a module being one unit."""

    width: int
    height: int
    path: str


def code128(text: str) -> Modules:
    """The bar code of a key, one unit high (MOC 7.0, Anexo II: subset C for digits)."""
    modules: str = Code128(text).build()[0]
    return Modules(len(modules) + 2 * _QUIET, 1, "".join(_runs(modules, _QUIET, 0)))


def qr_code(text: str) -> Modules | None:
    """The QR code of a text, error correction M (Manual do QR Code da NFC-e, 4.2); None: no code
    holds so much."""
    code = qrcode.QRCode(border=0, error_correction=qrcode.ERROR_CORRECT_M)
    code.add_data(text)
    try:
        code.make()
    except (DataOverflowError, ValueError):
        return None
    matrix: list[list[bool]] = code.get_matrix()
    rows = ("".join("1" if each else "0" for each in row) for row in matrix)
    runs = (run for y, row in enumerate(rows, _QUIET_QR) for run in _runs(row, _QUIET_QR, y))
    size = len(matrix) + 2 * _QUIET_QR
    return Modules(size, size, "".join(runs))


def _runs(modules: str, x: int, y: int) -> list[str]:
    """A rectangle for each run of dark modules (1), the first module standing at x and y."""
    found = []
    for module, group in groupby(modules):
        length = len(list(group))
        if module == "1":
            found.append(f"M{x} {y}h{length}v1h-{length}z")
        x += length
    return found
