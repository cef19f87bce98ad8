"""Sessions of onnxruntime over bytes that the registry has verified."""

from __future__ import annotations

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from blindwatch.vision.image import Image

# From 1.29 on, onnxruntime reports devices, models and numbers of inferences to its maker unless this is set when it
# is loaded; a camera and an offline custodian must not, whatever their environment says.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime


class Network:
    """One loaded network with a single input."""

    def __init__(self, model: bytes, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Its own store of memory would keep what was computed of a face until the next one comes.
        options.enable_cpu_mem_arena = False
        # The first run would take its memory by other pieces than all that follow, which never overwrite those.
        options.enable_mem_pattern = False
        options.log_severity_level = 3  # errors only: warnings are for whoever exports a network
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """All outputs by name."""
        return dict(zip(self._outputs, self._session.run(None, {self._input: batch}), strict=True))

    def run_single(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output."""
        return self.run(batch)[self._outputs[0]]


def to_batch(image: Image) -> NDArray[np.float32]:
    """An image as 1 x 3 x height x width, the channels in the image's order."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def shrink_to(image: Image, limit: int) -> tuple[Image, float]:
    """The image with no side over `limit` pixels, and the scale it now has."""
    scale = min(1.0, limit / max(image.shape[:2]))
    if scale == 1.0:
        return image, scale
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False), scale
