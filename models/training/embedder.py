"""Train the embedder, from the weights of retail-0095, to answer for poor pictures as that does for good ones.

Also writes the PCA to 128 dimensions.

Run as:

    python embedder.py --faces ../shared/faces --work <scratch folder of prepare.py> --models models
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from augment import degrade
from export import check, export
from faces import SIZE, TEACHER, unit
from prepare import MARGIN
from student import WIDTH, Embedder
from torch import nn

BATCH = 32
PEAK = 3e-5  # of the learning rate
WATCHED = 100  # photographs of the selection part, embedded now and then
KEPT_EVERY = 20  # steps


def fit_projection(rows: np.ndarray) -> np.ndarray:
    """PCA of unit rows: 256 rows of directions, then the mean already projected."""
    mean = rows.mean(0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(rows.T.astype(np.float64)))
    directions = vectors[:, np.argsort(values)[::-1][:WIDTH]]
    return np.vstack([directions, mean @ directions]).astype(np.float32)


def project(rows: np.ndarray, projection: np.ndarray) -> np.ndarray:
    return unit(rows @ projection[:-1] - projection[-1])


def sample(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A jittered, mirrored and worsened 64 x 64 face out of the aligned picture with its margin."""
    scale = SIZE / (picture.shape[0] - 2 * MARGIN) * np.exp(rng.normal(0, 0.035))
    angle = rng.normal(0, 0.035)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.full(2, picture.shape[0] / 2)
    matrix = np.c_[linear, SIZE / 2 + rng.normal(0, 1.1, 2) - linear @ centre]
    face = cv2.warpAffine(picture, matrix, (SIZE, SIZE))
    return degrade(np.ascontiguousarray(face[:, ::-1]) if rng.random() < 0.5 else face, rng)


def halved(picture: np.ndarray) -> np.ndarray:
    """The face as a camera aligns it, without its margin."""
    return cv2.warpAffine(picture, np.array([[0.5, 0, -MARGIN / 2], [0, 0.5, -MARGIN / 2]]), (SIZE, SIZE))


def batches(
    pictures: np.ndarray, answers: np.ndarray, steps: int, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Shuffled batches, the next one made in a thread while the present one is learnt."""

    def make(rows: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return nchw(np.stack([sample(pictures[row], rng) for row in rows])), torch.from_numpy(answers[rows])

    rng = np.random.default_rng(seed)
    epochs = 1 + steps * BATCH // len(answers)
    order = np.concatenate([rng.permutation(len(answers)) for _ in range(epochs)])[: steps * BATCH]
    with ThreadPoolExecutor(1) as pool:
        ahead = None
        for rows in order.reshape(steps, BATCH):
            ready, ahead = ahead, pool.submit(make, rows, rng.spawn(1)[0])
            if ready:
                yield ready.result()
        if ahead:
            yield ahead.result()


def nchw(faces: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(faces).permute(0, 3, 1, 2).float()


def loss_of(found: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Distance to the teacher's vectors, and to the teacher's similarities among the batch."""
    cosine = 1 - (found * target).sum(1).mean()
    gram = (found @ found.T - target @ target.T).square().sum(1).mean()
    return cosine + 0.3 * gram


def nearness(net: nn.Module, faces: np.ndarray, wanted: np.ndarray) -> float:
    """The mean cosine between the embeddings of pictures and the wanted ones."""
    with torch.no_grad():
        found = torch.cat([net(chunk) for chunk in nchw(faces).split(BATCH)]).numpy()
    return float((found * wanted).sum(1).mean())


def rate(done: float) -> float:
    """The share of the peak learning rate after this share of the steps: a warm-up, then half a cosine."""
    return 0.04 + 0.96 * done / 0.1 if done < 0.1 else 0.5 + 0.5 * math.cos(math.pi * (done - 0.1) / 0.9)


class Trainer:
    """The net with its optimiser; kept in a file now and then, so that a cut-off loses little."""

    def __init__(self, net: Embedder, steps: int, kept: Path) -> None:
        self.net = net.to(memory_format=torch.channels_last)
        learnt = [each for each in net.parameters() if each.requires_grad]
        self.optimiser = torch.optim.AdamW(learnt, PEAK, weight_decay=0)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, lambda step: rate(step / steps))
        self.kept, self.done = kept, 0
        if kept.exists():
            state = torch.load(kept)
            self.net.load_state_dict(state["net"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
            self.done = state["done"]

    def keep(self) -> None:
        parts = {name: getattr(self, name).state_dict() for name in ("net", "optimiser", "schedule")}
        torch.save({**parts, "done": self.done}, self.kept.with_suffix(".part"))
        self.kept.with_suffix(".part").replace(self.kept)

    def learn(self, faces: torch.Tensor, target: torch.Tensor) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            found = self.net(faces.to(memory_format=torch.channels_last))
        loss = loss_of(found.float(), target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        self.done += 1
        return float(loss.detach())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    index = np.load(args.work / "index.npz")
    aligned, teacher = np.load(args.work / "aligned.npy", mmap_mode="r"), np.load(args.work / "teacher.npy")
    seen = np.isfinite(index["points"]).all((1, 2))
    rows, selection = (np.flatnonzero(seen & (index["part"] == label)) for label in ("train", "selection"))
    projected = args.models / "retail-0095-pca128.npy"
    if not projected.exists():
        np.save(projected, fit_projection(teacher[rows]))
    projection = np.load(projected)
    watched, draws = selection[:WATCHED], np.random.default_rng(4).spawn(WATCHED)
    wanted = project(teacher[watched], projection)
    clean = np.stack([halved(aligned[row]) for row in watched])
    poor = np.stack([sample(aligned[row], rng) for row, rng in zip(watched, draws, strict=True)])
    net = Embedder()
    net.begin(args.faces / "models" / TEACHER, projection)
    trainer = Trainer(net, args.steps, args.work / "embedder.pt")

    def tell(loss: float) -> None:
        near, of_poor = (nearness(net, faces, wanted) for faces in (clean, poor))
        print(f"{trainer.done}: loss {loss:.4f}, nearness {near:.4f}, of poor ones {of_poor:.4f}", flush=True)

    tell(math.nan)
    answers = project(teacher[rows], projection)
    for batch in batches(aligned[rows], answers, args.steps - trainer.done, 3 + trainer.done):
        loss = trainer.learn(*batch)
        if trainer.done % KEPT_EVERY == 0:
            trainer.keep()
            tell(loss)
    export(net, args.models / "blindwatch-embedder.onnx", "face", "embedding")
    check(net, args.models / "blindwatch-embedder.onnx")


if __name__ == "__main__":
    main()
