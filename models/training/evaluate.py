"""Measure pipelines on the held-out people, from photograph to decision; writes measured.toml.

Run from the checkout, once the registry has the digests of the new files:

    python models/training/evaluate.py --faces ../shared/faces

All figures are over the photographs in which every pipeline finds a face. Accuracy is over equally many
pairs of one and of two people, with the threshold chosen on the selection people. Error rates are over all
pairs of the held-out people, with at most five photographs of each lest a few much photographed ones make up
the genuine pairs. By cosine, a pair matches when its similarity is at least the threshold; by template, when
the coarse score is at least the gate and the fine score at least the threshold that the preset sets for it.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from faces import part

from blindwatch.errors import NoFace
from blindwatch.he.presets import Thresholds, preset
from blindwatch.he.templates import Templates
from blindwatch.vision.catalogue import Embedder
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry

SEED = 4
DRAWS = 2000
RATES = (1e-2, 1e-3)
PRESET = preset("reveal-128")
COSINE_STEP = 1e-4
PIPELINES = (
    ("cascade", "blindwatch-embedder"),
    ("yunet-dynamic", "blindwatch-embedder"),
    ("cascade", "retail-0095"),
    ("yunet-dynamic", "retail-0095"),
    ("yunet-dynamic", "mobilefacenet"),
)


def embed(job: tuple[Path, list[Path], str, str]) -> np.ndarray:
    """The embedding of the central face of each photograph; NaN where none is found."""
    models, photographs, detector, embedder = job
    cv2.setNumThreads(1)
    pipeline = FacePipeline.from_registry(Registry.load(models), detector, embedder)
    found = np.full((len(photographs), pipeline.dimension), np.nan, np.float32)
    for row, photograph in zip(found, photographs, strict=True):
        try:
            row[:] = pipeline.faces(photograph)[0].embedding
        except NoFace:
            continue
    return found


def accuracy(embeddings: np.ndarray, names: np.ndarray, threshold: float | None) -> tuple[float, float, int]:
    """The share of balanced pairs told right at this threshold or the best one, that threshold, how many."""
    rng = np.random.default_rng(SEED)
    same: list[tuple[int, int]] = []
    for name in np.unique(names):
        own = list(combinations(np.flatnonzero(names == name), 2))
        same += [own[i] for i in rng.permutation(len(own))[:10]]
    other: set[tuple[int, int]] = set()
    while len(other) < len(same):
        a, b = sorted(rng.integers(0, len(names), 2).tolist())
        if names[a] != names[b]:
            other.add((a, b))
    rows = np.array(same + sorted(other))
    scores = (embeddings[rows[:, 0]] * embeddings[rows[:, 1]]).sum(1)
    truth = np.arange(len(rows)) < len(same)
    if threshold is None:
        threshold = max(scores.tolist(), key=lambda t: float(((scores >= t) == truth).mean()))
    return float(((scores >= threshold) == truth).mean()), threshold, len(rows)


def interval(draws: np.ndarray, digits: int) -> list[float]:
    """The middle 95 % of these draws."""
    return [round(float(value), digits) for value in np.quantile(draws, (0.025, 0.975))]


@dataclass(frozen=True)
class Pairs:
    """Every pair of some photographs, as the rows and the people of its two."""

    first: np.ndarray
    second: np.ndarray
    people: np.ndarray
    """As numbers from 0, two for each pair."""

    @classmethod
    def of(cls, names: np.ndarray) -> Pairs:
        rng = np.random.default_rng(SEED)
        kept = np.concatenate([rng.permutation(np.flatnonzero(names == n))[:5] for n in np.unique(names)])
        upper = np.triu_indices(len(kept), 1)
        first, second = kept[upper[0]], kept[upper[1]]
        person = np.unique(names, return_inverse=True)[1]
        return cls(first, second, np.stack([person[first], person[second]], 1))

    @property
    def same(self) -> np.ndarray:
        """Whether a pair shows one person."""
        return self.people[:, 0] == self.people[:, 1]

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """The inner product of every pair."""
        return np.einsum("ij,ij->i", rows[self.first], rows[self.second])

    def among(self, chosen: np.ndarray) -> tuple[Pairs, np.ndarray]:
        """The pairs whose two photographs are both chosen, and which of all pairs these are."""
        inside = chosen[self.first] & chosen[self.second]
        people = np.unique(self.people[inside], return_inverse=True)[1].reshape(-1, 2)
        return Pairs(self.first[inside], self.second[inside], people), inside

    def threshold(self, cosines: np.ndarray, rate: float) -> float:
        """The lowest threshold, in whole steps, that keeps to the false match rate."""
        impostors = np.sort(cosines[~self.same])[::-1]
        steps = int(np.floor(impostors[int(rate * len(impostors))] / COSINE_STEP)) + 1
        return round(steps * COSINE_STEP, 4)

    def misses(self, matched: np.ndarray) -> dict[str, object]:
        """The FNMR of a decision, with a 95 % interval by drawing people with replacement."""
        missed = ~matched[self.same]
        person = np.unique(self.people[self.same, 0], return_inverse=True)[1]
        misses, totals = np.bincount(person, missed), np.bincount(person)
        drawn = np.random.default_rng(SEED).integers(0, len(totals), (DRAWS, len(totals)))
        rates = misses[drawn].sum(1) / totals[drawn].sum(1)
        return {"fnmr": round(float(missed.mean()), 4), "fnmr_95": interval(rates, 4)}

    def false_matches(self, matched: np.ndarray) -> dict[str, object]:
        """The FMR of a decision, with its interval: a pair is drawn as often as both its people are."""
        impostor, count = ~self.same, int(self.people.max()) + 1
        totals, hits = np.zeros((2, count, count))
        np.add.at(totals, tuple(self.people[impostor].T), 1)
        np.add.at(hits, tuple(self.people[impostor & matched].T), 1)
        drawn = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), DRAWS)
        rates = ((drawn @ hits) * drawn).sum(1) / ((drawn @ totals) * drawn).sum(1)
        return {"fmr": round(float(matched[impostor].mean()), 6), "fmr_95": interval(rates, 6)}


@dataclass(frozen=True)
class Scores:
    """The scores of every pair by which the two steps decide."""

    coarse: np.ndarray
    fine: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, rows: Templates) -> Scores:
        return cls(pairs.scores(rows.coarse), pairs.scores(rows.fine))

    def matched(self, thresholds: Thresholds) -> np.ndarray:
        """The pairs that pass both steps."""
        return (self.coarse >= thresholds.gate) & (self.fine >= thresholds.fine)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"  {toml(item)},\n" for item in value) + "]"
    return json.dumps(value)


def table(name: str, values: dict[str, object]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {toml(value)}" for key, value in values.items())]) + "\n"


def by_cosine(pairs: Pairs, cosines: np.ndarray, rate: float) -> dict[str, object]:
    """What floats of full precision miss at a false match rate."""
    threshold = pairs.threshold(cosines, rate)
    return {"fmr": rate, "threshold": threshold, **pairs.misses(cosines >= threshold)}


def by_template(pairs: Pairs, scores: Scores, cosine: float) -> dict[str, object]:
    """What the decision in two steps makes of a threshold that was found by cosine."""
    thresholds = PRESET.thresholds(cosine)
    matched = scores.matched(thresholds)
    return {
        "cosine": cosine,
        "gate": thresholds.gate,
        "fine": thresholds.fine,
        "past_gate": round(float((scores.coarse >= thresholds.gate)[~pairs.same].mean()), 6),
        **pairs.false_matches(matched),
        **pairs.misses(matched),
    }


def by_group(pairs: Pairs, matched: np.ndarray, chosen: np.ndarray) -> dict[str, object]:
    """Error rates of a decision over the pairs within a group."""
    within, inside = pairs.among(chosen)
    return {
        **within.false_matches(matched[inside]),
        **within.misses(matched[inside]),
        "genuine_pairs": int(within.same.sum()),
        "impostor_pairs": int((~within.same).sum()),
    }


def wanted(embedder: str) -> list[float]:
    """The FMRs to measure at, highest first: those of all embedders, and that of this one's operating point."""
    registered = Registry.load().find_as(embedder, Embedder).operating_point.false_match_rate
    return sorted({*RATES, registered or RATES[-1]}, reverse=True)


def figures(
    embeddings: np.ndarray, names: np.ndarray, held: np.ndarray, gender: np.ndarray, rates: Sequence[float]
) -> dict[str, object]:
    """What measured.toml says of one pipeline, given the embeddings of the photographs used."""
    _, cut, _ = accuracy(embeddings[~held], names[~held], None)
    right, _, count = accuracy(embeddings[held], names[held], cut)
    pairs = Pairs.of(names[held])
    cosines = pairs.scores(embeddings[held])
    scores = Scores.of(pairs, templates(embeddings[held], PRESET))
    thresholds = [pairs.threshold(cosines, rate) for rate in rates]
    matched = scores.matched(PRESET.thresholds(thresholds[-1]))
    groups = {"women": gender[held] == "F", "men": gender[held] == "M"}
    return {
        "accuracy": round(right, 4),
        "accuracy_pairs": count,
        "genuine_pairs": int(pairs.same.sum()),
        "impostor_pairs": int((~pairs.same).sum()),
        "cosine": [by_cosine(pairs, cosines, rate) for rate in rates],
        "template": [by_template(pairs, scores, cosine) for cosine in thresholds],
        **{group: by_group(pairs, matched, chosen) for group, chosen in groups.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--models", type=Path, default=Path("models"))
    args = parser.parse_args()
    wrong = set((args.faces / "lfw_errata_images.txt").read_text().split())
    photographs = [
        path
        for path in sorted((args.faces / "lfw").glob("*/*.jpg"))
        if part(path.parent.name) != "train" and path.stem not in wrong
    ]
    names = np.array([path.parent.name for path in photographs])
    held = np.array([part(name) == "held-out" for name in names])
    with (args.faces / "lfw_gender.csv").open() as rows:
        labels = {row["image"]: row["gender"] for row in csv.DictReader(rows)}
    gender = np.array([labels.get(f"{path.parent.name}/{path.name}", "") for path in photographs])
    with Pool(2) as pool:
        jobs = [(args.faces / "models", photographs, *pipeline) for pipeline in PIPELINES]
        every = pool.map(embed, jobs, chunksize=1)
    seen = np.isfinite(every).all((0, 2))
    data = {
        "people": len(np.unique(names[held & seen])),
        "photographs": int((held & seen).sum()),
        "left_out": int((held & ~seen).sum()),
        "preset": PRESET.name,
    }
    tables = [table("data", data)]
    for (detector, embedder), embeddings in zip(PIPELINES, every, strict=True):
        missed = int((held & np.isnan(embeddings[:, 0])).sum())
        chosen = (each[seen] for each in (embeddings, names, held, gender))
        measured = figures(*chosen, wanted(embedder))
        tables.append(table(f"{embedder}.{detector}", {"faces_missed": missed, **measured}))
    text = HEADING + "\n".join(tables)
    (args.models / "measured.toml").write_text(text)
    print(text)


HEADING = """\
# Written by training/evaluate.py: pipelines measured on people whom nothing of the project was trained on.
# Optimistic: the training sets of retail-0095, from which blindwatch-embedder was made, and of mobilefacenet very
# probably have the same people.
#
# `cosine`: the lowest similarity that is a match at each FMR, and what it misses. `template`: the same thresholds
# as the preset decides with them, on integers and in two steps. A pair matches when its coarse score is at least
# `gate` and its fine score at least `fine`. Where a cosine asks for a gate below the lowest that the preset
# evaluates, the gate is that lowest one. `past_gate` is the share of the pairs of two people that pass the gate,
# matches included.
# `women` and `men`: rates of the last of these decisions, that of the operating point, over pairs of photographs
# that others labelled so.
# Intervals: 95 % of draws of the people with replacement, at fixed thresholds.

"""

if __name__ == "__main__":
    main()
