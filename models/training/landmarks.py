"""Train the landmarks net: five points from the square around a cascade box, as YuNet would place them.

Run as:

    python landmarks.py --work <scratch folder of prepare.py> --out models/blindwatch-landmarks.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from augment import degrade
from export import check, export
from faces import SIZE, cascade_crop
from torch import nn

MIRROR = [1, 0, 2, 4, 3]  # who is who after a flip


def block(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class LandmarksNet(nn.Module):
    """Nine small convolutions and two dense layers; pixels 0..255 in, fractions of the crop out."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            block(3, 16, 2), block(16, 24, 1), block(24, 32, 2), block(32, 32, 1), block(32, 48, 2),
            block(48, 48, 1), block(48, 64, 2), block(64, 64, 1),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(64 * 16, 64), nn.ReLU(inplace=True), nn.Linear(64, 10)
        )

    def forward(self, crop: torch.Tensor) -> torch.Tensor:
        points = self.head(self.features((crop - 127.5) / 128))
        return points.reshape(-1, 5, 2) + 0.5


def sample(
    photo: np.ndarray, box: np.ndarray, points: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One jittered, turned, mirrored and worsened crop with its points as fractions."""
    side = box[2] + 2 * (box[2] // 5)
    centre = box[:2] + box[2:] / 2 + rng.uniform(-0.07, 0.07, 2) * side
    scale = SIZE / (side * np.exp(rng.uniform(-0.16, 0.16)))
    angle = np.deg2rad(rng.normal(0, 9))
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.c_[linear, SIZE / 2 - linear @ centre]
    double = matrix * 2  # twice the size first, so that shrinking averages as INTER_AREA does
    crop = cv2.warpAffine(photo, double, (2 * SIZE, 2 * SIZE))
    crop = cv2.resize(crop, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    target = (points @ linear.T + matrix[:, 2]) / SIZE
    if rng.random() < 0.5:
        crop, target = crop[:, ::-1], (target * [-1, 1] + [1, 0])[MIRROR]
    crop = degrade(np.ascontiguousarray(crop), rng)
    if rng.random() < 0.2:  # a tight picture: the surroundings are one flat tone
        low, high = rng.integers(0, 10, 2), SIZE - rng.integers(0, 10, 2)
        flat = np.full_like(crop, rng.integers(0, 256))
        flat[low[1] : high[1], low[0] : high[0]] = crop[low[1] : high[1], low[0] : high[0]]
        crop = flat
    return crop, target.astype(np.float32)


def errors(net: nn.Module, index: dict[str, np.ndarray], photos: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Mean distance to YuNet's points, in distances between the eyes, on crops as the pipeline makes them."""
    crops, truth = [], []
    for i in rows:
        crop, corner, side = cascade_crop(photos[i], index["box"][i])
        crops.append(cv2.resize(crop, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
        truth.append((index["points"][i] - corner) / side)
    target = np.stack(truth)
    with torch.no_grad():
        found = net(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()).numpy()
    eyes = np.linalg.norm(target[:, 0] - target[:, 1], axis=1)
    return np.linalg.norm(found - target, axis=2).mean(1) / eyes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    index = dict(np.load(args.work / "index.npz"))
    photos = np.load(args.work / "photos.npy", mmap_mode="r")
    inside = (index["points"] - index["box"][:, None, :2]) / np.maximum(index["box"][:, None, 2:], 1)
    good = (index["box"][:, 2] > 0) & ((inside > -0.2) & (inside < 1.2)).all(
        (1, 2)
    )  # both found the same face
    train = np.flatnonzero(good & (index["part"] == "train"))
    selection = np.flatnonzero(good & (index["part"] == "selection"))
    net = LandmarksNet()
    batch, steps = 64, args.epochs * (len(train) // 64)
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, steps, pct_start=0.1)
    for epoch in range(args.epochs):
        net.train()
        order, total = rng.permutation(train), 0.0
        for start in range(0, len(order) - batch + 1, batch):
            pairs = [
                sample(photos[i], index["box"][i], index["points"][i], rng)
                for i in order[start : start + batch]
            ]
            crops = torch.from_numpy(np.stack([p[0] for p in pairs])).permute(0, 3, 1, 2).float()
            target = torch.from_numpy(np.stack([p[1] for p in pairs]))
            loss = nn.functional.smooth_l1_loss(net(crops), target, beta=0.01)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        if epoch % 4 == 3:
            net.eval()
            found = errors(net, index, photos, selection)
            print(
                epoch,
                f"{total / (len(order) // batch):.5f}",
                "selection: mean error",
                found.mean().round(4),
                flush=True,
            )
    net.eval()
    export(net, args.out, "crop", "landmarks")
    check(net, args.out)
    for label in "selection", "held-out":
        found = errors(net, index, photos, np.flatnonzero(good & (index["part"] == label)))
        print(label, len(found), "mean", found.mean().round(4), "95 %", np.quantile(found, 0.95).round(4))


if __name__ == "__main__":
    main()
