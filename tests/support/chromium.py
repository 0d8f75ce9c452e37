"""A headless Chromium from npm, which needs no root, driven by Playwright."""

import fcntl
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.support.node_packages import installed, node

FOLDER = Path(__file__).parent / "browser"
_UNPACK = """
const [, packed, out] = process.argv;
require('stream').pipeline(
  require('fs').createReadStream(packed), require('zlib').createBrotliDecompress(),
  require('fs').createWriteStream(out), error => { if (error) { throw error; } });
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


def axe() -> str:
    """axe-core's script, as text."""
    return (installed(FOLDER) / "axe-core" / "axe.min.js").read_text()


@contextmanager
def browser() -> Iterator[Browser]:
    """One Chromium for the block."""
    home = _unpacked()
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(home / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(home / "fonts.conf"),
        "TZ": "America/Sao_Paulo",
    }
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=home / "chromium",
            args=["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
            env=environment,
        )
        try:
            yield chromium
        finally:
            chromium.close()


def _unpacked() -> Path:
    """Unpacks the package once for each version of it; two processes may ask at once."""
    packed = installed(FOLDER) / "@sparticuz" / "chromium" / "bin"
    home = packed / "unpacked"
    with (packed / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "chromium").exists():
            home.mkdir(exist_ok=True)
            for name in ("al2023", "fonts"):
                _brotli(packed / f"{name}.tar.br", home / f"{name}.tar")
                with tarfile.open(home / f"{name}.tar") as archive:
                    archive.extractall(home / name if name == "al2023" else home, filter="data")
            (home / "fonts.conf").write_text(_FONTS.format(folder=home / "fonts"))
            _brotli(packed / "chromium.br", home / ".chromium")
            (home / ".chromium").chmod(0o755)
            (home / ".chromium").rename(home / "chromium")
    return home


def _brotli(packed: Path, out: Path) -> None:
    subprocess.run([node(), "-e", _UNPACK, packed, out], check=True, stdin=subprocess.DEVNULL)
