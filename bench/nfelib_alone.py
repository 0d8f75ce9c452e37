"""nfelib's bindings alone, at their fastest: bytes in memory to objects, and nothing else.

    python -m bench.nfelib_alone FOLDER

One parser is kept, the class is given, and of xsdata's handlers the one that is fastest here is
taken. Prints, as JSON, the files that it parsed, the seconds that took, and the handler's name.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nfelib.nfe.bindings.v4_0.proc_nfe_v4_00 import NfeProc
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.handlers import LxmlEventHandler, XmlEventHandler

_TRIAL_FILES = 100


def parse_all(contents: Sequence[bytes]) -> tuple[float, str]:
    """The seconds that parsing all of them takes, and the handler that was fastest on a few."""
    trials = []
    for handler in (LxmlEventHandler, XmlEventHandler):
        parser = XmlParser(handler=handler)
        parser.from_bytes(contents[0], NfeProc)  # the first one builds what the others reuse
        trials.append((_seconds(parser, contents[:_TRIAL_FILES]), handler.__name__, parser))
    _, name, parser = min(trials, key=lambda trial: trial[0])
    return _seconds(parser, contents), name


def _seconds(parser: XmlParser, contents: Sequence[bytes]) -> float:
    began = time.perf_counter()
    for content in contents:
        parser.from_bytes(content, NfeProc)
    return time.perf_counter() - began


if __name__ == "__main__":
    _contents = [path.read_bytes() for path in sorted(Path(sys.argv[1]).glob("*.xml"))]
    _took, _handler = parse_all(_contents)
    print(json.dumps({"files": len(_contents), "seconds": _took, "handler": _handler}))
