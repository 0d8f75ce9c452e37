"""What the package gives a person to read and to press TAB at."""

from collections.abc import Callable, Iterator

import pytest

from tests.system.conftest import Installed
from tests.system.machine import Machine


@pytest.fixture(scope="module")
def machine(installed: Installed, new_machine: Callable[..., Machine]) -> Iterator[Machine]:
    with new_machine(installed.layer) as booted:
        booted.boot()
        yield booted


@pytest.mark.parametrize("page", ["man1/nfed.1", "man5/nfed.toml.5"])
def test_the_man_pages_are_well_formed(machine: Machine, page: str):
    path = f"/usr/share/man/{page}"

    complaints = machine.run("mandoc", "-Tlint", "-Wwarning", path, check=False).stdout

    # A date would make the page differ with each build.
    assert [line for line in complaints.splitlines() if "missing date" not in line] == []


def test_the_man_pages_are_found_and_name_what_they_are_about(machine: Machine):
    command = machine.said("man", "nfed")
    settings = machine.said("man", "nfed.toml")

    assert "nfed run" in command
    assert "max_concurrent_uploads" in settings


COMPLETE = {
    "bash": """
        source /usr/share/bash-completion/bash_completion
        COMP_WORDS=(nfed re) COMP_CWORD=1 COMP_LINE='nfed re' COMP_POINT=7
        _comp_load nfed 2>/dev/null || source /usr/share/bash-completion/completions/nfed
        _nfed_completion nfed re nfed
        echo "${COMPREPLY[@]}"
    """,
    "fish": "complete --do-complete 'nfed re'",
    "zsh": """
        autoload -Uz compinit && compinit -u
        print -r -- ${_comps[nfed]}
        compdef() { : }
        _arguments() { print -rl -- "$@" }
        _describe() { print -rl -- ${(P)4:-} "$@" }
        words=(nfed re) CURRENT=2
        autoload -Uz +X _nfed && _nfed
    """,
}


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_the_shell_completes_commands(machine: Machine, shell: str):
    said = machine.run(shell, "-c", COMPLETE[shell], check=False)

    assert "retry" in said.stdout, said.stdout + said.stderr
