"""The shells' completions, as the command itself makes them."""

import os
import subprocess
import sys
from pathlib import Path

_NAMES = {"bash": "nfed.bash", "zsh": "_nfed", "fish": "nfed.fish"}


def completions(folder: Path) -> dict[Path, str]:
    """The text of each file in `folder`."""
    return {folder / name: _completion(shell) for shell, name in _NAMES.items()}


def _completion(shell: str) -> str:
    """What `nfed --show-completion` says in that shell, made fit to be loaded on demand."""
    said = subprocess.run(
        [str(Path(sys.executable).parent / "nfed")],
        env={**os.environ, "_NFED_COMPLETE": f"source_{shell}"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # zsh runs the file itself as the function when it is first asked.
    return said + ('\n\n_nfed_completion "$@"\n' if shell == "zsh" else "\n")
