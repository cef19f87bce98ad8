"""The ranked half of a worker process: galleries mapped from the store, and queries against them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from blindwatch.errors import DeploymentNotReady, WrongKey, WrongPreset
from blindwatch.he.ranked.gallery import Gallery, verify
from blindwatch.he.ranked.keys import RankKey
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.he.ranked.scanning import scan, warm
from blindwatch.matching.jobs import Inspect, LoadGallery, Rank, Ranked
from blindwatch.store.blobs import read_verified


def inspect(job: Inspect) -> None:
    """Check that the bundle of a ranked deployment is the key that it names."""
    key = RankKey.from_bytes(read_verified(Path(job.bundle)))
    if key.preset.name != job.preset:
        raise WrongPreset("The encryption key belongs to another preset than the deployment names.")
    if key.key_id != job.key_id:
        raise WrongKey("The encryption key is another than the deployment names.")


@dataclass(frozen=True)
class _Held:
    handle: str
    listed: str
    gallery: Gallery


class Galleries:
    """The galleries of this worker; their pages are shared by all workers of the machine."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def load(self, job: LoadGallery) -> None:
        """Map a gallery, in the place of the one before, once every block is the one that was uploaded."""
        held = self._held.get(job.deployment)
        if held is not None and held.handle == job.handle:
            return
        files = [Path(path) for path in job.gallery]
        for file in files:
            verify(file, file.name)
        gallery = Gallery.open(rank_preset(job.preset), job.key_id, files)
        warm(gallery)
        self._held[job.deployment] = _Held(job.handle, job.listed, gallery)

    def drop(self, deployment: str) -> None:
        """Let go of a gallery."""
        self._held.pop(deployment, None)

    def rank(self, job: Rank) -> Ranked:
        """Scan a gallery on all cores that this process may use, and leave out what was removed from it."""
        held = self._held.get(job.deployment)
        if held is None:
            raise DeploymentNotReady
        started = time.perf_counter()
        removed = job.removed if job.removed_from == held.listed else ()
        scores = scan(job.query, held.gallery, len(os.sched_getaffinity(0)), removed)
        elapsed = time.perf_counter() - started
        return Ranked(listed=held.listed, scores=tuple(scores), elapsed_ms=round(elapsed * 1000))
