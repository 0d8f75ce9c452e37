"""The parts of nfed that are made: the compiled one, and the catalogue of its words.

All else is in pyproject.toml, which cannot say where lxml lies.
"""

import runpy
import shutil
from pathlib import Path

import lxml
from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_py import build_py

WORDS = Path(__file__).parent / "daemon" / "nfed" / "words"


class Afresh(build):
    """Builds into an empty folder: a wheel takes along whatever lies there from an older build."""

    def run(self) -> None:
        """Empties the folder, then builds."""
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class WithWords(build_py):
    """Makes the catalogues that gettext reads before it looks for what to pack."""

    def run(self) -> None:
        """Makes a .mo of each .po, then goes on."""
        make = runpy.run_path(str(WORDS / "po.py"))["make"]
        for source in WORDS.glob("locale/*/LC_MESSAGES/*.po"):
            make(source)
        super().run()


setup(
    cmdclass={"build": Afresh, "build_py": WithWords},
    ext_modules=[
        Extension(
            "nfed.documents.rows.walk",
            ["daemon/nfed/documents/rows/walk.pyx"],
            include_dirs=lxml.get_include(),
            # No debugging symbols: they name the folder that it is built in. What lxml's header
            # defines and nobody uses is no matter of ours.
            extra_compile_args=["-O2", "-g0", "-Wall", "-Wno-unused-function"],
            optional=True,  # without a C compiler nfed works as well, only slower
        )
    ],
    # Built for one version of Python: as abi3 a walk takes 1.4 times as long.
    options={"build_ext": {"cython_c_in_temp": True}},
)
