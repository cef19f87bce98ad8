"""Comparisons under evaluation keys, by Concrete ML's server part. Nothing here can decrypt."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from concrete import fhe
from concrete.ml.deployment import FHEModelServer

from blindwatch.errors import DeploymentNotReady, MalformedCiphertext, WrongKey, WrongPreset
from blindwatch.he.tfhe import artefacts
from blindwatch.wire.opinions import OpinionAnswer, OpinionKeys, OpinionRequest


class Evaluator:
    """Holds the evaluation keys of one key holder at a time; for one thread."""

    def __init__(self, folder: Path, circuit: str) -> None:
        """`folder` has the server part; raises ModelCorrupt unless it is of the circuit with this digest."""
        artefacts.check(folder, circuit)
        self._circuit = circuit
        self._server = FHEModelServer(str(folder))
        self._lookups = artefacts.lookups(self._server)
        self._keys: Any = None

    def take(self, message: OpinionKeys) -> None:
        """Evaluation keys to compute with from now on; raises WrongPreset and WrongKey."""
        self._same(message.circuit)
        try:
            self._keys = fhe.EvaluationKeys.deserialize(message.keys)
        except Exception:  # noqa: BLE001 - Concrete's native parser raises whatever it likes
            raise WrongKey("The evaluation keys cannot be read.") from None

    def compare(self, request: OpinionRequest) -> OpinionAnswer:
        """The encrypted verdict; raises WrongPreset, DeploymentNotReady and MalformedCiphertext."""
        self._same(request.circuit)
        if self._keys is None:
            raise DeploymentNotReady("There are no evaluation keys yet.")
        probe, entry = request.probe, request.entry
        start = time.perf_counter()
        try:
            verdict = self._server.run(
                (probe.values, probe.triangles, entry.values, entry.triangles, request.threshold), self._keys
            )
        except Exception:  # noqa: BLE001 - as above
            raise MalformedCiphertext("The comparison cannot be computed from what was sent.") from None
        elapsed = round(1000 * (time.perf_counter() - start))
        return OpinionAnswer(verdict=verdict, elapsed_ms=elapsed, lookups=self._lookups)

    def _same(self, circuit: str) -> None:
        if circuit != self._circuit:
            raise WrongPreset("The request is for another circuit.")
