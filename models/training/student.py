"""The net of the default embedder: that of retail-0095 with its PCA inside, and its weights to begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from faces import TEACHER_SIZE
from onnx import numpy_helper
from torch import nn
from torch.nn.functional import interpolate

ANSWER, WIDTH = 256, 128  # dimensions of the teacher's answer, and of the embedding
REDUCED = 16  # how many times smaller the last map is than the picture


def unit(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-6)


def convolution(before: int, after: int, stride: int = 1, size: int = 3, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, size, stride, size // 2, groups=groups), nn.PReLU())


class Attention(nn.Module):
    """Channels weighted by what all places together say (squeeze and excitation)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze, self.slope = nn.Conv2d(width, width // 8, 1), nn.PReLU()
        self.excite = nn.Conv2d(width // 8, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.excite(self.slope(self.squeeze(x.mean((2, 3), keepdim=True)))))


class Bottleneck(nn.Module):
    """Widened, looked at place by place, narrowed; with a shortcut unless the map gets smaller."""

    def __init__(self, before: int, inner: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(before, inner, size=1),
            convolution(inner, inner, stride, groups=inner),
            nn.Conv2d(inner, after, 1),
            Attention(after),
        )
        self.shortcut = stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.shortcut else self.layers(x)


class Embedder(nn.Module):
    """Pixels 0..255 of a face at half the teacher's size in, unit vectors out.

    Its parts stand in the order in which the teacher's file uses them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, 3, 1, 1), requires_grad=False)
        self.shift = nn.Parameter(torch.zeros(1, 3, 1, 1), requires_grad=False)
        self.features = nn.Sequential(
            convolution(3, 64, 2), convolution(64, 64, groups=64),
            Bottleneck(64, 128, 64, 2), *(Bottleneck(64, 128, 64) for _ in range(4)),
            Bottleneck(64, 256, 128, 2), *(Bottleneck(128, 256, 128) for _ in range(6)),
            Bottleneck(128, 512, 128, 2), *(Bottleneck(128, 256, 128) for _ in range(2)),
            convolution(128, 512, size=1),
        )  # fmt: skip
        self.look = nn.Conv2d(512, 512, TEACHER_SIZE // REDUCED, groups=512)  # one weight for each place
        self.answer = nn.Conv2d(512, ANSWER, 1, bias=False)
        self.project = nn.Linear(ANSWER, WIDTH)

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        enlarged = interpolate(face, scale_factor=2, mode="bilinear", align_corners=False)
        found = self.answer(self.look(self.features(enlarged * self.scale + self.shift)))
        return unit(self.project(unit(found.flatten(1).float())))

    def begin(self, teacher: Path, projection: np.ndarray) -> None:
        """Take over the teacher's weights, and the PCA as the last layer."""
        own = [each for name, each in self.named_parameters() if not name.startswith("project.")]
        with torch.no_grad():
            for mine, theirs in zip(own, weights(teacher), strict=True):
                mine.copy_(theirs.reshape(mine.shape))
            self.project.weight.copy_(torch.from_numpy(projection[:-1].T))
            self.project.bias.copy_(torch.from_numpy(-projection[-1]))


def weights(path: Path) -> Iterator[torch.Tensor]:
    """The weights of a file in the order in which its graph uses them."""
    graph = onnx.load(str(path)).graph
    stored = {each.name: each for each in graph.initializer}
    for node in graph.node:
        for name in node.input:
            if name in stored:
                yield torch.from_numpy(numpy_helper.to_array(stored[name]).copy())
