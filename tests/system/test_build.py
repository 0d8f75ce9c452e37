"""The package is the same bytes each time it is built.

First by name: one process builds it again while another builds it for all tests.
"""

from pathlib import Path

import pytest

from deploy.package import build
from nfed import __version__


def test_the_same_source_gives_the_same_bytes(request: pytest.FixtureRequest, tmp_path: Path):
    (again,) = build.build([__version__], tmp_path)

    packages: dict[str, Path] = request.getfixturevalue("packages")
    assert again.read_bytes() == packages[__version__].read_bytes()
