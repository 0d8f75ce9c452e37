"""The compiled part of nfed; all else is in pyproject.toml, which cannot say where lxml lies."""

from pathlib import Path

import lxml
from setuptools import Extension, setup

_TREE = Path("daemon/documents/tree_c")

setup(
    ext_modules=[
        Extension(
            "daemon.documents.tree",
            sorted(map(str, _TREE.glob("*.c"))),
            depends=sorted(map(str, _TREE.glob("*.h"))),
            include_dirs=lxml.get_include(),
            # No debugging symbols: they name the folder that it is built in.
            extra_compile_args=["-std=gnu11", "-O2", "-g0", "-Wall", "-Wextra", "-Werror=vla"],
            py_limited_api=True,
            optional=True,  # without a C compiler nfed works as well, only slower
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp312"}},
)
