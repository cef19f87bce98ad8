"""The engines that give verdicts, each opened with keys of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from blindwatch.cli.progress import progress
from blindwatch.he.presets import preset
from blindwatch.he.verdicts import VerdictEngine
from blindwatch.opinion.engine import TfheEngine
from blindwatch.opinion.environment import installed
from blindwatch.opinion.faces import PRESET
from blindwatch.verification.bfv import BfvEngine


class Engine(StrEnum):
    """Under which scheme to compare."""

    BFV = "bfv"
    TFHE = "tfhe"


def check_installed(engine: Engine) -> None:
    """Refuse an engine that is not on this machine; raises ConfigurationError."""
    if engine is Engine.TFHE:
        installed()


@contextmanager
def opened(engine: Engine) -> Iterator[VerdictEngine]:
    """The engine with keys made for this run, which are gone afterwards."""
    if engine is Engine.BFV:
        yield BfvEngine(preset(PRESET))
        return
    tfhe = TfheEngine(installed())
    with progress() as display:
        display.add_task("Making TFHE keys and trying them", total=None)
        tfhe.start()
    with tfhe:
        yield tfhe
