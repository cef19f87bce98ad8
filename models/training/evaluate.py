"""Measure pipelines on the held-out people, from photograph to integer template; writes measured.toml.

Run from the checkout, once the registry has the digests of the new files:

    python models/training/evaluate.py --faces ../shared/faces

All figures are over the photographs in which every pipeline finds a face. Accuracy is over equally many
pairs of one and of two people, with the threshold chosen on the selection people. Error rates are over all
pairs of the held-out people, with at most five photographs of each lest a few much photographed ones make up
the genuine pairs. A pair matches when its score is at least the threshold.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from faces import part

from blindwatch.errors import NoFace
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import quantise
from blindwatch.vision.registry import Registry

SEED = 4
RATES = (1e-2, 1e-3)
SQUARED_NORM = 200  # of the templates that the preset reveal-128 takes
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


@dataclass(frozen=True)
class Pairs:
    """Every pair of some photographs: which two they are, and whether they show one person."""

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    person: np.ndarray
    """Of the first photograph, as a number."""

    @classmethod
    def of(cls, names: np.ndarray) -> Pairs:
        rng = np.random.default_rng(SEED)
        kept = np.concatenate([rng.permutation(np.flatnonzero(names == n))[:5] for n in np.unique(names)])
        upper = np.triu_indices(len(kept), 1)
        first, second = kept[upper[0]], kept[upper[1]]
        person = np.unique(names, return_inverse=True)[1]
        return cls(first, second, person[first] == person[second], person[first])

    def at(self, scores: np.ndarray, rate: float, step: float) -> dict[str, object]:
        """The lowest threshold, in whole steps, that keeps to the false match rate, and what it misses."""
        impostors = np.sort(scores[~self.same])[::-1]
        steps = int(np.floor(impostors[int(rate * len(impostors))] / step)) + 1
        missed = scores[self.same] < steps * step
        return {
            "fmr": rate,
            "threshold": round(steps * step, 4),
            "fnmr": round(float(missed.mean()), 4),
            "fnmr_95": self._interval(missed),
        }

    def _interval(self, missed: np.ndarray) -> list[float]:
        """A 95 % interval of the FNMR at a fixed threshold, by drawing people with replacement."""
        _, person = np.unique(self.person[self.same], return_inverse=True)
        misses, totals = np.bincount(person, missed), np.bincount(person)
        draws = np.random.default_rng(SEED).integers(0, len(totals), (2000, len(totals)))
        rates = misses[draws].sum(1) / totals[draws].sum(1)
        return [round(float(value), 4) for value in np.quantile(rates, (0.025, 0.975))]

    def among(self, chosen: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, object]:
        """Error rates at a given threshold over the pairs whose two photographs are both chosen."""
        inside = chosen[self.first] & chosen[self.second]
        genuine, impostor = scores[inside & self.same], scores[inside & ~self.same]
        return {
            "fmr": round(float((impostor >= threshold).mean()), 5),
            "fnmr": round(float((genuine < threshold).mean()), 4),
            "genuine_pairs": len(genuine),
            "impostor_pairs": len(impostor),
        }


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"  {toml(item)},\n" for item in value) + "]"
    return json.dumps(value)


def table(name: str, values: dict[str, object]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {toml(value)}" for key, value in values.items())]) + "\n"


def figures(
    embeddings: np.ndarray, names: np.ndarray, held: np.ndarray, gender: np.ndarray
) -> dict[str, object]:
    """What measured.toml says of one pipeline, given the embeddings of the photographs used."""
    _, cut, _ = accuracy(embeddings[~held], names[~held], None)
    right, _, count = accuracy(embeddings[held], names[held], cut)
    pairs = Pairs.of(names[held])
    templates = np.stack([quantise(row, SQUARED_NORM) for row in embeddings[held]])
    cosines, products = (
        np.einsum("ij,ij->i", rows[pairs.first], rows[pairs.second]) for rows in (embeddings[held], templates)
    )
    by_cosine = [pairs.at(cosines, rate, COSINE_STEP) for rate in RATES]
    by_template = [pairs.at(products, rate, 1) for rate in RATES]
    groups = {"women": gender[held] == "F", "men": gender[held] == "M"}
    threshold = by_template[-1]["threshold"]
    return {
        "accuracy": round(right, 4),
        "accuracy_pairs": count,
        "genuine_pairs": int(pairs.same.sum()),
        "impostor_pairs": int((~pairs.same).sum()),
        "threshold_cosine": by_cosine[-1]["threshold"],
        "cosine": by_cosine,
        "template": by_template,
        **{group: pairs.among(chosen, products, threshold) for group, chosen in groups.items()},
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
        "squared_norm": SQUARED_NORM,
    }
    tables = [table("data", data)]
    for (detector, embedder), embeddings in zip(PIPELINES, every, strict=True):
        missed = int((held & np.isnan(embeddings[:, 0])).sum())
        measured = figures(embeddings[seen], names[seen], held[seen], gender[seen])
        tables.append(table(f"{embedder}.{detector}", {"faces_missed": missed, **measured}))
    text = HEADING + "\n".join(tables)
    (args.models / "measured.toml").write_text(text)
    print(text)


HEADING = """\
# Written by training/evaluate.py: pipelines measured on people whom none of the project's own nets has seen.
# Optimistic for retail-0095 and mobilefacenet, whose training sets very probably have the same people, and a
# little for blindwatch-embedder, which learnt from retail-0095. Thresholds of `template` are dot products of
# templates with this squared norm. `women` and `men`: error rates at the last of these thresholds, over pairs
# of photographs that others labelled so.

"""

if __name__ == "__main__":
    main()
