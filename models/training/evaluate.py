"""Measure every embedder on the held-out people and write measured.toml.

    python evaluate.py --faces ../shared/faces --work <scratch folder of prepare.py> --models models

Verification: equally many pairs of one and of two people, threshold chosen on the selection people's pairs. The
photographs the cascade misses are left out for every embedder, so that all figures are over the very same pairs.
Operating point: the cosine threshold that one in a thousand of all impostor pairs of held-out people reaches.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from embedder import project
from faces import (
    ARCFACE, SIZE, TEACHER, TEACHER_SIZE, TEMPLATE, MobileFaceNet, Net, align, cascade_crop, unit,
)  # fmt: skip

SEED = 4
FMR = 1e-3


def pairs(names: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Balanced pairs of rows: at most ten of one person, and as many of two people."""
    same = []
    for name in np.unique(names):
        own = list(combinations(np.flatnonzero(names == name), 2))
        same += [own[i] for i in rng.permutation(len(own))[:10]]
    other: set[tuple[int, int]] = set()
    while len(other) < len(same):
        a, b = sorted(rng.integers(0, len(names), 2))
        if names[a] != names[b]:
            other.add((int(a), int(b)))
    return np.array(same + sorted(other)), np.r_[np.ones(len(same), bool), np.zeros(len(other), bool)]


def cosines(embeddings: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return (embeddings[rows[:, 0]] * embeddings[rows[:, 1]]).sum(1)


def best_threshold(scores: np.ndarray, same: np.ndarray) -> float:
    candidates = np.sort(scores)
    return float(max(candidates, key=lambda t: ((scores >= t) == same).mean()))


def operating_point(embeddings: np.ndarray, names: np.ndarray) -> tuple[float, float, int, int]:
    """Threshold at the wanted FMR over all impostor pairs, FNMR there, and the numbers of pairs."""
    rng = np.random.default_rng(SEED)
    # At most five photographs a person, lest a few much photographed people make up the genuine pairs.
    kept = np.concatenate([rng.permutation(np.flatnonzero(names == n))[:5] for n in np.unique(names)])
    e, n = embeddings[kept], names[kept]
    upper = np.triu_indices(len(e), 1)
    scores, same = (e @ e.T)[upper], (n[:, None] == n[None])[upper]
    impostors = np.sort(scores[~same])[::-1]
    threshold = float(impostors[int(FMR * len(impostors))])
    return threshold, float((scores[same] <= threshold).mean()), int(same.sum()), len(impostors)


def default_path_landmarks(work: Path, models: Path, rows: np.ndarray) -> np.ndarray:
    """The landmarks net's points, in pixels of the photograph."""
    photos, boxes = np.load(work / "photos.npy", mmap_mode="r"), np.load(work / "index.npz")["box"]
    crops, frames = [], []
    for i in rows:
        crop, corner, side = cascade_crop(photos[i], boxes[i])
        crops.append(cv2.resize(crop, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
        frames.append((corner, side))
    found = Net(models / "blindwatch-landmarks.onnx")(np.stack(crops))
    return np.stack([corner + side * f for f, (corner, side) in zip(found, frames, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("models"))
    args = parser.parse_args()
    index, photos = np.load(args.work / "index.npz"), np.load(args.work / "photos.npy", mmap_mode="r")
    rows = np.flatnonzero(~index["wrong"] & (index["box"][:, 2] > 0) & (index["part"] != "train"))
    held, names = index["part"][rows] == "held-out", index["name"][rows]
    yunet, own = index["points"][rows], default_path_landmarks(args.work, args.models, rows)
    shared = args.faces / "models"
    retail = np.load(args.work / "teacher.npy")[rows]
    small = Net(args.models / "blindwatch-embedder.onnx")
    mobile = MobileFaceNet(shared / "mobilefacenet_foamliu_dynbatch.onnx")

    def faces(points: np.ndarray, template: np.ndarray, size: int) -> np.ndarray:
        return np.stack([align(photos[i], p, template, size) for i, p in zip(rows, points, strict=True)])

    template = TEMPLATE * (SIZE / TEACHER_SIZE)
    projection = np.load(args.models / "retail-0095-pca128.npy")
    embedders = {
        ("blindwatch-embedder", "cascade"): unit(small(faces(own, template, SIZE))),
        ("blindwatch-embedder", "yunet"): unit(small(faces(yunet, template, SIZE))),
        ("retail-0095", "yunet"): project(retail, projection),
        ("retail-0095-256", "yunet"): retail,
        ("retail-0095", "cascade"): project(
            unit(Net(shared / TEACHER)(faces(own, TEMPLATE, TEACHER_SIZE))), projection
        ),
        ("mobilefacenet", "yunet"): unit(mobile(faces(yunet, ARCFACE, 112))),
    }
    rng = np.random.default_rng(SEED)
    held_pairs, held_same = pairs(names[held], rng)
    selection_pairs, selection_same = pairs(names[~held], rng)
    usual = index["part"] == "held-out"
    missed = int((usual & (index["box"][:, 2] < 0)).sum())
    lines = [
        "# Written by training/evaluate.py: measured on people no net here was trained on (20 % of LFW).",
        "# Optimistic: those people very probably are in the training sets of retail-0095 and mobilefacenet.",
        f"people = {len(np.unique(names[held]))}",
        f"photographs = {int(held.sum())}",
        f"cascade_missed = {missed}  # of {int(usual.sum())} photographs of held-out people",
    ]
    for (name, detector), embeddings in embedders.items():
        cut = best_threshold(cosines(embeddings[~held], selection_pairs), selection_same)
        accuracy = ((cosines(embeddings[held], held_pairs) >= cut) == held_same).mean()
        threshold, fnmr, genuine, impostor = operating_point(embeddings[held], names[held])
        key = name if (name, detector) in PUBLISHED else f"{name}-{detector}"
        lines += [
            "", f"[{key}]", f'detector = "{detector}"', f"accuracy = {accuracy:.4f}", f"pairs = {len(held_pairs)}",
            f"fmr = {FMR}", f"threshold_cosine = {threshold:.4f}", f"fnmr = {fnmr:.4f}",
            f"genuine_pairs = {genuine}", f"impostor_pairs = {impostor}",
        ]  # fmt: skip
    text = "\n".join(lines) + "\n"
    (args.models / "measured.toml").write_text(text)
    print(text)


# The combinations the registry offers; the others are there to tell apart what the detector and the net cost.
PUBLISHED = {("blindwatch-embedder", "cascade"), ("retail-0095", "yunet"), ("mobilefacenet", "yunet")}


if __name__ == "__main__":
    main()
