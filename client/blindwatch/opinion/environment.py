"""Where the TFHE engine is installed, and its compiled circuit, which is made on first use.

`make tfhe` sets the environment up in a checkout. It is never the main one: Concrete ML pins another numpy.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError
from blindwatch.vision.catalogue import Circuit
from blindwatch.vision.registry import Registry, circuit_directory, embedded_directory

VARIABLE: Final = "BLINDWATCH_TFHE"
CIRCUIT: Final = "verdict-128"
_FOLDER: Final = ".venv-tfhe"
_NEVER_PASSED: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Installed:
    """An environment with the engine, and its circuit, compiled."""

    python: Path
    folder: Path
    circuit: Circuit
    variables: dict[str, str]


def installed() -> Installed:
    """The engine on this machine; compiles the circuit if it is not there. Raises ConfigurationError."""
    python = interpreter()
    circuit = Registry.load().circuit(CIRCUIT)
    variables = {name: value for name, value in os.environ.items() if name not in _NEVER_PASSED}
    found = Installed(python, circuit_directory() / circuit.sha256, circuit, variables)
    if not found.folder.is_dir():
        _compile(found)
    return found


def interpreter() -> Path:
    """The Python of the engine's environment; raises ConfigurationError if there is none."""
    named = os.environ.get(VARIABLE)
    python = (Path(named) if named else embedded_directory().parent / _FOLDER) / "bin" / "python"
    if not python.is_file():
        raise ConfigurationError(
            "The TFHE engine is not installed.",
            f"In a checkout: make tfhe. Elsewhere, name its environment in {VARIABLE}.",
        )
    return python


def _compile(found: Installed) -> None:
    """Make the circuit; whether it is the registered one is checked by everybody who loads it."""
    with progress() as display:
        display.add_task("Compiling the circuit", total=None)
        found.folder.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(  # noqa: S603 - the interpreter that was installed for it
            [str(found.python), "-m", "blindwatch.he.tfhe.build", str(found.folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=found.variables,
            check=False,
        )
    made = done.stdout.decode(errors="replace").split()
    if done.returncode or made[-1:] != [found.circuit.sha256]:
        raise ConfigurationError(
            "The circuit of the TFHE engine cannot be compiled as it is registered.",
            "Set its environment up anew: rm -r .venv-tfhe, then make tfhe",
        )


if __name__ == "__main__":
    installed()
