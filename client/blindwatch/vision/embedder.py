"""Aligned faces to unit embeddings."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import ModelCorrupt
from blindwatch.vision import catalogue
from blindwatch.vision.image import Image
from blindwatch.vision.runtime import Network, to_batch

Embedding = NDArray[np.float32]


class FaceEmbedder:
    """A network, the normalisation it asks for and, for some, a projection to fewer dimensions."""

    def __init__(
        self, entry: catalogue.Embedder, model: bytes, projection: bytes | None, threads: int = 1
    ) -> None:
        self._network = Network(model, threads)
        self._swap = entry.input.colour == "RGB"
        self._mean, self._deviation = (
            np.array(values, np.float32).reshape(1, 3, 1, 1)
            for values in (entry.input.mean, entry.input.deviation)
        )
        self._projection = None if projection is None else read_projection(projection, entry.dimension)

    def embed(self, crop: Image) -> Embedding:
        """The unit embedding of one aligned face; one at a time, as some networks take no more."""
        pixels = to_batch(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB) if self._swap else crop)  # type: ignore[arg-type]
        embedding = _unit(self._network.run_single((pixels - self._mean) / self._deviation)[0])
        if self._projection is not None:
            embedding = _unit(embedding @ self._projection[:-1] - self._projection[-1])
        return embedding


def _unit(vector: Embedding) -> Embedding:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def read_projection(data: bytes, dimension: int) -> Embedding:
    """Rows that project, and below them the mean of the training faces, projected already."""
    array = np.load(BytesIO(data), allow_pickle=False)
    if array.ndim != 2 or array.shape[1] != dimension:
        raise ModelCorrupt("The projection does not have the registered dimension.")
    return np.asarray(array, np.float32)
