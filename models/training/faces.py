"""What every training step shares: the split of the people, the geometry, and the teacher."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from blindwatch.evaluation.samples import part as part

SIZE = 64  # side of the inputs of both small nets
TEACHER_SIZE = 128
# Landmarks of retail-0095 in its 128 x 128 input; the small embedder uses the same frame at half size.
TEMPLATE = np.float32([[40.39, 59.08], [87.38, 59.08], [64.03, 81.98], [44.73, 105.56], [83.64, 105.56]])
TEACHER = "face_reidentification_retail_0095.onnx"


def similarity(source: NDArray, target: NDArray) -> NDArray:
    """Least-squares similarity transform (rotation, scale, shift; no reflection) as a 2 x 3 matrix."""
    a, b = source.astype(np.float64), target.astype(np.float64)
    za = (a - a.mean(0)) @ np.array([1, 1j])
    zb = (b - b.mean(0)) @ np.array([1, 1j])
    q = (za.conj() @ zb) / (za.conj() @ za)
    linear = np.array([[q.real, -q.imag], [q.imag, q.real]])
    return np.c_[linear, b.mean(0) - linear @ a.mean(0)]


def align(image: NDArray, landmarks: NDArray, template: NDArray, size: int) -> NDArray:
    """The face warped onto the template; black outside the photograph."""
    return cv2.warpAffine(image, similarity(landmarks, template), (size, size), flags=cv2.INTER_LINEAR)


def cascade_crop(image: NDArray, box: NDArray) -> tuple[NDArray, NDArray, int]:
    """The square around a cascade box, its corner and its side; black outside the photograph."""
    x, y, w = (int(v) for v in box[:3])
    pad = w // 5
    side, left, top = w + 2 * pad, x - pad, y - pad
    crop = np.zeros((side, side, 3), np.uint8)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, image.shape[1]), min(top + side, image.shape[0])
    crop[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return crop, np.array([left, top]), side


def nchw(images: NDArray) -> NDArray:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32)


def unit(rows: NDArray) -> NDArray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


class Net:
    """An ONNX model run in batches over N x H x W x 3 BGR uint8 images."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name

    def __call__(self, images: NDArray) -> NDArray:
        chunks = [images[i : i + 64] for i in range(0, len(images), 64)]
        return np.concatenate([self.session.run(None, {self.name: nchw(c)})[0] for c in chunks])
