"""What comes out of a running server equals the integer computation, with the no-op scheme and with SEAL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from blindwatch.he.presets import PLAIN_MODULUS, preset
from blindwatch.he.released import INDICATOR, SCORE, opened
from blindwatch.secret.keys import Decryptor
from blindwatch.wire.messages import Result

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial


def check_decisions(server: ServerProcess, trial: Trial, name: str, indices: list[int]) -> None:
    """Every entry of the watchlist is revealed with its score where it matches, and nowhere else."""
    probes = {trial.probe().probe_id: index for index in indices}
    for probe_id, index in probes.items():
        server.client("camera").post_probe(name, trial.probe(index, probe_id=probe_id))
    decryptor = Decryptor(trial.keys.secret)
    (layout,) = preset(trial.preset_name).plan(len(trial.templates))
    for result in server.results(name, len(probes)).results:
        assert isinstance(result, Result)
        (release,) = result.releases
        index = probes[result.probe_id]
        coarse, fine = trial.templates.scores(trial.templates[index : index + 1])
        matches = coarse >= trial.gate
        assert matches.any()
        assert not matches.all()
        indicators, scores = opened(layout, release.ciphertexts, (INDICATOR, SCORE), decryptor.slots)
        assert np.array_equal(np.flatnonzero(indicators == 0), np.flatnonzero(matches))
        assert np.array_equal(scores[: len(matches)][matches], fine[matches] % PLAIN_MODULUS)


def test_decisions(server: ServerProcess, trial: Trial) -> None:
    check_decisions(server, trial, trial.open(server), [0, 3, 9])


def test_decisions_under_seal(server: ServerProcess, sealed_trial: Trial) -> None:
    name = sealed_trial.open(server)
    check_decisions(server, sealed_trial, name, [1, 7])
    # Native code is in the workers, and nowhere in the process that has the socket.
    assert "sealapi" not in Path(f"/proc/{server.process.pid}/maps").read_text()
    assert any("sealapi" in Path(f"/proc/{pid}/maps").read_text() for pid in server.workers)
