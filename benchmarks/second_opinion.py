"""What a comparison costs in TFHE, in the circuit that is used and in others that were considered.

    .venv-tfhe/bin/python benchmarks/second_opinion.py            # all, some minutes
    .venv-tfhe/bin/python benchmarks/second_opinion.py used       # some, by name

Prints the rows of the table in docs/second-opinion.md: seconds of wall time / of processor time, the median of three.
Every verdict is held against the integers. Nothing else should run on the machine.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from statistics import median
from typing import Any, Final, Literal

import numpy as np
from concrete import fhe
from numpy.typing import NDArray

from blindwatch.he.tfhe.circuit import P_ERROR, triangular
from blindwatch.he.tfhe.circuit import compile_circuit as used

Integers = NDArray[np.int64]

COMPARISONS: Final = 3
SEED: Final = 20261128


@dataclass(frozen=True)
class Variant:
    """A circuit for templates of `dimension` coordinates up to +-`largest`, against `entries` at once."""

    words: str
    dimension: int = 128
    largest: int = 3
    squared_norm: int = 200
    entries: int = 1
    formulation: Literal["used", "triangles", "squares", "products"] = "triangles"
    parameters: fhe.ParameterSelectionStrategy = fhe.ParameterSelectionStrategy.MONO

    @property
    def factor(self) -> int:
        """Squares give twice the inner product."""
        return 2 if self.formulation == "squares" else 1

    @property
    def bits(self) -> int:
        """Of the sum, from -2 to +1 times the norm."""
        return int(np.ceil(log2(4 * self.factor * self.squared_norm)))

    def own(self, templates: Integers) -> Integers:
        """What goes beside templates (..., d), for the inner product."""
        if self.formulation == "squares":
            return np.asarray(-(templates**2).sum(axis=-1))
        if self.formulation == "products":
            return np.zeros(templates.shape[:-1], dtype=np.int64)
        return np.asarray(triangular(templates).sum(axis=-1))

    def verdict(self, probe: Any, probe_own: Any, entry: Any, entry_own: Any, threshold: Any) -> Any:
        """As in `blindwatch.he.tfhe.circuit`, with the formulation of this variant."""
        if self.formulation == "products":
            inner = np.sum(probe * entry, axis=-1)
        elif self.formulation == "squares":
            inner = -np.sum((probe - entry) ** 2, axis=-1)
        else:
            inner = np.sum(fhe.univariate(triangular)(probe + entry), axis=-1)
        middle = 2 ** (self.bits - 1)
        total = inner - probe_own - entry_own - threshold + middle
        kept = 1 if self.formulation == "products" else 4 if self.largest > 1 else 3
        return fhe.truncate_bit_pattern(total, lsbs_to_remove=self.bits - kept) >= middle

    def compile(self) -> Any:
        """The compiled circuit."""
        if self.formulation == "used":
            return used()
        names = ("probe", "probe_own", "entry", "entry_own")
        compiler = fhe.Compiler(self.verdict, dict.fromkeys(names, "encrypted") | {"threshold": "clear"})
        configuration = fhe.Configuration(
            p_error=None,
            global_p_error=P_ERROR,
            compress_input_ciphertexts=True,
            compress_evaluation_keys=True,
            parameter_selection_strategy=self.parameters,
        )
        return compiler.compile(list(self.extremes()), configuration)

    def extremes(self) -> Iterator[tuple[Any, ...]]:
        """Inputs at the ends of every range."""
        longest = np.zeros(self.dimension, dtype=np.int64)
        longest[: self.squared_norm // self.largest**2] = self.largest
        widest = np.zeros_like(longest)
        widest[: self.squared_norm] = 1
        for each in (longest, widest):
            for probe, entry in (
                (each, each),
                (each, -each),
                (-each, each),
                (-each, -each),
                (each, 0 * each),
            ):
                for threshold in (0, self.squared_norm):
                    yield self.arguments(probe, entry, threshold)

    def arguments(self, probe: Integers, entry: Integers, threshold: int) -> tuple[Any, ...]:
        """What the circuit takes, for one entry (d,), repeated as often as it takes entries."""
        entries = entry if self.entries == 1 else np.tile(entry, (self.entries, 1))
        beside = (self.own(probe), self.own(entries))
        own = [int(each) if each.ndim == 0 else each for each in beside]
        return probe, own[0], entries, own[1], self.factor * threshold

    def cases(self) -> Iterator[tuple[tuple[Any, ...], bool]]:
        """Pairs just at the threshold and just below it, with the verdict."""
        rng = np.random.default_rng(SEED)
        for number in range(COMPARISONS + 1):
            probe = np.zeros(self.dimension, dtype=np.int64)
            for place in rng.permutation(self.dimension):
                probe[place] = rng.integers(-self.largest, self.largest + 1)
                if probe @ probe > self.squared_norm:
                    probe[place] = 0
            entry = probe.copy()
            entry[: self.dimension // 8] *= -1
            score = int(probe @ entry)
            yield self.arguments(probe, entry, score + number % 2), number % 2 == 0


MULTI = fhe.ParameterSelectionStrategy.MULTI
VARIANTS: Final = {
    "used": Variant("**+-3, as used**", formulation="used"),
    "multi": Variant("the same, parameters for each precision", parameters=MULTI),
    "squares": Variant(
        "+-3, squared differences, parameters for each precision", formulation="squares", parameters=MULTI
    ),
    "ternary": Variant("ternary, squared norm 64", largest=1, squared_norm=64),
    "products": Variant(
        "ternary by products", largest=1, squared_norm=64, formulation="products", parameters=MULTI
    ),
    "d64": Variant("+-3, d = 64", dimension=64),
    "d256": Variant("+-3, d = 256", dimension=256),
    "four": Variant("+-3, four entries in one circuit, for each entry", entries=4),
}


def seconds() -> tuple[float, float]:
    """Wall time and processor time of this process."""
    times = os.times()
    return time.perf_counter(), times.user + times.system


def since(start: tuple[float, float]) -> tuple[float, float]:
    """What passed of both."""
    now = seconds()
    return now[0] - start[0], now[1] - start[1]


def measure(variant: Variant) -> str:
    """The row of a variant; ends the run at a wrong verdict."""
    circuit = variant.compile()
    start = seconds()
    circuit.keys.generate()
    made = since(start)
    sent = circuit.keys.evaluation.serialize()
    keys = fhe.EvaluationKeys.deserialize(sent)
    taken = []
    for arguments, expected in variant.cases():
        sealed = circuit.client.encrypt(*arguments)
        start = seconds()
        answer = circuit.server.run(*sealed, evaluation_keys=keys)
        taken.append(since(start))
        if np.any(np.asarray(circuit.client.decrypt(answer)) != expected):
            raise SystemExit(f"A wrong verdict: {variant.words}")
    first, *rest = taken
    wall, processor = (median(each[kind] for each in rest) / variant.entries for kind in (0, 1))
    cells = (
        variant.words,
        str(circuit.programmable_bootstrap_count // variant.entries),
        f"{made[0]:.1f} / {made[1]:.1f}",
        f"{first[0] / variant.entries:.2f} / {first[1] / variant.entries:.2f}",
        f"{wall:.2f} / {processor:.2f}",
        f"{len(sent) / 1e6:.0f} MB",
        f"2^{log2(circuit.server.global_p_error):.1f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure the variants that are named, or all."""
    print("| circuit | lookups | keys made in | first | comparison | keys sent | error |")
    print("|---|---|---|---|---|---|---|")
    for name in sys.argv[1:] or VARIANTS:
        print(measure(VARIANTS[name]), flush=True)


if __name__ == "__main__":
    main()
