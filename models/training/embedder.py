"""Train the small embedder to answer as retail-0095 does after PCA to 128 dimensions; also writes that PCA.

Run as:

    python embedder.py --work <scratch folder of prepare.py and blends.py> --models models
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
from faces import SIZE, unit
from prepare import MARGIN
from torch import nn

WIDTH = 128  # of the embedding
BATCH = 128


def convolution(before: int, after: int, stride: int = 1, size: int = 3, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(after)
    )


class Residual(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = convolution(width, width), convolution(width, width)
        self.before, self.after = nn.PReLU(width), nn.PReLU(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(x + self.second(self.before(self.first(x))))


class Embedder(nn.Module):
    """A narrow residual net; pixels 0..255 in, unit vectors out."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            convolution(3, 32, 2), nn.PReLU(32), Residual(32),
            convolution(32, 64, 2), nn.PReLU(64), Residual(64), Residual(64),
            convolution(64, 128, 2), nn.PReLU(128), Residual(128), Residual(128),
            convolution(128, 144, 2), nn.PReLU(144), Residual(144),
        )  # fmt: skip
        self.pool = nn.Sequential(nn.Conv2d(144, 320, 1, bias=False), nn.BatchNorm2d(320), nn.PReLU(320))
        self.look = nn.Conv2d(320, 320, 4, groups=320, bias=False)  # one learnt weight for each place
        self.head = nn.Sequential(nn.BatchNorm1d(320), nn.Linear(320, WIDTH))

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        found = self.look(self.pool(self.features((face - 127.5) / 128)))
        found = self.head(found.flatten(1).float())
        return found / found.norm(dim=1, keepdim=True).clamp_min(1e-6)


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


def batches(
    pictures: list[np.ndarray], answers: np.ndarray, steps: int, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Shuffled batches, the next one made in a thread while the present one is learnt."""
    starts = np.cumsum([0] + [len(p) for p in pictures])

    def make(rows: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        which = np.searchsorted(starts, rows, side="right") - 1
        faces = [sample(pictures[k][i - starts[k]], rng) for k, i in zip(which, rows, strict=True)]
        return torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2), torch.from_numpy(answers[rows])

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


def loss_of(found: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Distance to the teacher's vectors, and to the teacher's similarities among the batch."""
    cosine = 1 - (found * target).sum(1).mean()
    gram = (found @ found.T - target @ target.T).square().sum(1).mean()
    return cosine + 0.3 * gram


def embed(net: nn.Module, faces: np.ndarray) -> np.ndarray:
    """Embeddings in single precision of N x 64 x 64 x 3 pictures."""
    pixels = torch.from_numpy(faces).permute(0, 3, 1, 2)
    with torch.no_grad():
        return torch.cat([net(chunk.float()) for chunk in pixels.split(256)]).numpy()


def rate(done: float) -> float:
    """The share of the peak learning rate after this share of the steps: a warm-up, then half a cosine."""
    return 0.04 + 0.96 * done / 0.1 if done < 0.1 else 0.5 + 0.5 * math.cos(math.pi * (done - 0.1) / 0.9)


class Trainer:
    """The net with its optimiser; kept in a file now and then, so that a cut-off loses little."""

    def __init__(self, steps: int, kept: Path) -> None:
        self.net = Embedder().to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), 4e-3, weight_decay=0.02)
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
        self.net.train()
        pixels = faces.float().to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            found = self.net(pixels)
        loss = loss_of(found.float(), target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        self.done += 1
        return float(loss.detach())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    index = np.load(args.work / "index.npz")
    aligned, teacher = np.load(args.work / "aligned.npy"), np.load(args.work / "teacher.npy")
    seen = np.isfinite(index["points"]).all((1, 2))
    rows, selection = (seen & (index["part"] == label) for label in ("train", "selection"))
    projection = fit_projection(teacher[rows])
    np.save(args.models / "retail-0095-pca128.npy", projection)
    made, made_answers = np.load(args.work / "blends.npy"), np.load(args.work / "blends-teacher.npy")
    answers = project(np.concatenate([teacher[rows], made_answers]), projection)
    halve = np.array([[0.5, 0, -MARGIN / 2], [0, 0.5, -MARGIN / 2]])
    unseen = np.stack([cv2.warpAffine(picture, halve, (SIZE, SIZE)) for picture in aligned[selection]])
    wanted = project(teacher[selection], projection)
    trainer = Trainer(args.steps, args.work / "embedder.pt")
    net = trainer.net
    print(sum(p.numel() for p in net.parameters()), "parameters;", len(answers), "pictures", flush=True)
    for batch in batches([aligned[rows], made], answers, args.steps - trainer.done, 3 + trainer.done):
        loss = trainer.learn(*batch)
        if trainer.done % 250 == 0:
            net.eval()
            near = (embed(net, unseen) * wanted).sum(1).mean()
            print(f"{trainer.done}: loss {loss:.4f}, nearness to the teacher {near:.4f}", flush=True)
            trainer.keep()
    net.eval()
    export(net, args.models / "blindwatch-embedder.onnx", "face", "embedding")
    check(net, args.models / "blindwatch-embedder.onnx")


if __name__ == "__main__":
    main()
