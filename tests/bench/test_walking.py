"""The crowd of `live`: the pictures in which people walk past cost nobody their probe, on a machine that keeps up."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import numpy as np

from blindwatch.bench.crowd import STRANGER, Crowd, best
from blindwatch.bench.scale import FULL, QUICK
from blindwatch.bench.walking import Parade
from blindwatch.camera.frames import Frame
from blindwatch.camera.watching import Watcher
from blindwatch.he.presets import preset
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry

PRESET = preset("reveal-128")
FASTEST = max(FULL.rates)


class Hurried(Event):
    """Nobody waits for the time of a picture."""

    def wait(self, _timeout: float | None = None) -> bool:
        return self.is_set()


def frames(parade: Parade) -> list[Frame]:
    """All pictures, as if each were looked at when it is its time."""
    parade._closing = Hurried()
    found = []
    while (frame := parade.read()) is not None:
        found.append(replace(frame, taken=frame.at))
    return found


def test_everybody_who_walks_past_is_sent_once_at_the_highest_rate_and_matches_as_intended() -> None:
    crowd = Crowd.gather(replace(QUICK, standard=100, rates=(FASTEST,), seconds=2.5), PRESET)
    book = templates([each.embedding for each in crowd.listed], PRESET)
    known = np.stack([each.embedding for each in crowd.walkers])
    matches = [best(book, each, PRESET) is not None for each in known]
    assert [number for number, is_match in enumerate(matches) if not is_match] == list(
        range(STRANGER - 1, len(matches), STRANGER)
    )
    pipeline, parade = FacePipeline.named(Registry.load()), Parade(crowd.walkers, FASTEST)
    watcher, shots = Watcher(pipeline), []
    for frame in frames(parade):
        shots += watcher.see(frame).shots
    shots += watcher.finish().shots
    found = [pipeline.embed(shot.crop) for shot in shots]
    assert sorted(int(np.argmax(known @ each)) for each in found) == list(range(len(crowd.walkers)))
    assert [best(book, each, PRESET) is not None for each in found] == [
        matches[int(np.argmax(known @ each))] for each in found
    ]
    assert len(parade.handed) == len(crowd.walkers)
