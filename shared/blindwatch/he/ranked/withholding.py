"""Scores of entries that were removed from a gallery: what would open to them is left out of the result.

The score of entry j opens from coefficient j of c0 + c1 s + c2 s^2. A zero in the place of that coefficient of c0
leaves c1 s + c2 s^2 to open, which says nothing of the entry: in a sum of d products with fresh ciphertexts c1 and c2
are uniform whatever the gallery holds, for any query as `encrypting` makes it. It takes no chance, so an auditor
computes the same result, and whoever has it sees the zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from blindwatch.he.ranked.forms import Residues
from blindwatch.he.ranked.presets import RankPreset


def withhold(preset: RankPreset, scores: Sequence[Residues], removed: Iterable[int]) -> None:
    """Leave the scores of entries of a gallery out of its blocks of residues (3, N)."""
    for entry in removed:
        block, place = divmod(entry, preset.poly_degree)
        scores[block][0, place] = 0


def is_withheld(preset: RankPreset, results: Sequence[bytes], removed: Iterable[int]) -> bool:
    """Whether the scores of these entries are left out of results of the size that their preset says.

    One score in 2^30 is zero there by chance.
    """
    first = [np.frombuffer(result, "<u4", preset.poly_degree) for result in results]
    return not any(first[entry // preset.poly_degree][entry % preset.poly_degree] for entry in removed)
