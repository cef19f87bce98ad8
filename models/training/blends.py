"""Make up further faces from pairs of training faces, and ask the teacher about them.

A few thousand people are too few to copy a teacher from. Two aligned faces averaged, or the upper half of
one on the lower half of another, look enough like faces for the teacher's answer to be worth learning.

Run as:

    python blends.py --faces ../shared/faces --work <scratch folder of prepare.py>
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from faces import TEACHER, Net, unit
from prepare import MARGIN

SEED = 2


def blend(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One picture out of two, then stretched a little along one axis or the other."""
    side = a.shape[0]
    if rng.random() < 0.5:
        b = b[:, ::-1]
    if rng.random() < 0.5:
        share = np.full((side, 1, 1), rng.uniform(0.3, 0.7))
    else:
        border = side * rng.uniform(0.4, 0.65)
        share = 1 / (1 + np.exp((np.arange(side) - border) / 5))[:, None, None]
    mixed = np.clip(share * a + (1 - share) * b, 0, 255).astype(np.uint8)
    stretch = np.diag(np.exp(rng.normal(0, 0.05, 2)))
    centre = np.full(2, side / 2)
    matrix = np.c_[stretch, centre - stretch @ centre]
    return cv2.warpAffine(mixed, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=30000)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    rng = np.random.default_rng(SEED)
    index = np.load(args.work / "index.npz")
    aligned = np.load(args.work / "aligned.npy", mmap_mode="r")
    train = np.flatnonzero((index["part"] == "train") & np.isfinite(index["points"]).all((1, 2)))
    made = np.empty((args.count, *aligned.shape[1:]), np.uint8)
    for i in range(args.count):
        a, b = rng.choice(train, 2, replace=False)
        made[i] = blend(aligned[a], aligned[b], rng)
    np.save(args.work / "blends.npy", made)
    teacher = Net(args.faces / "models" / TEACHER, args.threads)
    np.save(args.work / "blends-teacher.npy", unit(teacher(made[:, MARGIN:-MARGIN, MARGIN:-MARGIN])))


if __name__ == "__main__":
    main()
