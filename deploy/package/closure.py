"""Which of constraints.txt the installed package needs, with the hashes that it must have."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# systemd-python has no wheel: Debian's python3-systemd takes its place.
EXTRAS = ("api", "postgres", "supabase", "web")
# What its own wheel is built with.
BUILDERS = frozenset({"cython", "setuptools"})
# The machine that the package is for, whatever Python this one runs.
TARGET = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.5",
    "python_version": "3.13",
    "sys_platform": "linux",
}


def requirements(constraints: str) -> str:
    """The part of `constraints` that nfed with its extras reaches, and what it is built with, as a
    requirements file.

    Raises LookupError for a distribution that is needed and not pinned.
    """
    pinned = dict(_blocks(constraints))
    wanted = sorted(_reached("nfed", frozenset(EXTRAS), set()) - {"nfed"} | BUILDERS)
    missing = [name for name in wanted if name not in pinned]
    if missing:
        raise LookupError(f"constraints.txt does not pin {', '.join(missing)}: run `make lock`")
    return "".join(pinned[name] for name in wanted)


def _blocks(constraints: str) -> Iterator[tuple[str, str]]:
    for block in re.split(r"^(?=[A-Za-z0-9])", constraints, flags=re.MULTILINE):
        if "==" in block:
            yield canonicalize_name(block.split("==")[0].strip()), block


def _reached(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> set[str]:
    """The names of all that an installation of `name[extras]` brings along, itself included."""
    if (name, extras) in seen:
        return set()
    seen.add((name, extras))
    try:
        needed = distribution(name).requires or []
    except PackageNotFoundError:
        # Not installed here as this Python does not need it; pip says what is missing there.
        needed = []
    names = {name}
    for line in needed:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(
            marker.evaluate({**TARGET, "extra": extra}) for extra in ("", *extras)
        ):
            names |= _reached(
                canonicalize_name(requirement.name), frozenset(requirement.extras), seen
            )
    return names
