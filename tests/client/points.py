"""An operating point as a file, as 'blindwatch evaluate calibrate' would write it."""

from __future__ import annotations

from typing import Any

from blindwatch.he.presets import preset

from .papers import model
from .running import NOOP

SIMILARITY = 0.55


def text(**changes: Any) -> str:
    """The file for the list of the papers, with some of its values changed."""
    made = preset(NOOP).thresholds(SIMILARITY)
    values = {
        "version": 1,
        "model": f'"{model()}"',
        "preset": f'"{NOOP}"',
        "similarity": SIMILARITY,
        "gate": made.gate,
        "fine": made.fine,
        "fpir": 0.001,
        "false_matches": 40,
        "rate": 4e-4,
        "rate_95": [2e-4, 8e-4],
        "needed": 30_000,
        "more": "",
        **changes,
    }
    return """version = {version}
model_digest = {model}
preset = {preset}
{more}
[threshold]
similarity = {similarity}
gate = {gate}
fine = {fine}
[target]
fpir = {fpir}
entries = 1000
[expected]
fpir = 0.0009
fpir_95 = [0.0004, 0.002]
fnir = 0.2
fnir_95 = [0.1, 0.3]
basis = "extrapolated"
assumption = "comparisons are independent"
[measured]
data = "our own [people]"
embedder = "blindwatch-embedder"
subjects = 200
comparisons = 100000
false_matches = {false_matches}
false_match_rate = {rate}
false_match_rate_95 = {rate_95}
comparisons_needed = {needed}
software = "blindwatch 0.1.0"
made_at = "2026-11-28T04:00:00+00:00"
""".format(**values)
