"""Tracks: which faces of a frame are those of the frames before, by place and size alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, log
from typing import Final

import numpy as np

from blindwatch.camera.assignment import assign
from blindwatch.vision.detector import Detection

GAP_SECONDS: Final = 0.5
"""A track ends when its face was not found for so long."""
CONFIRMED: Final = 2
"""Frames from which on a track is a face; what was found once only is as often a mistake of the detector."""

# How far a face may be from where it was expected, in widths of a face: a step in a second of a person at a brisk
# walk, and what detectors differ from frame to frame.
_WIDTHS_A_SECOND: Final = 8.0
_JITTER_WIDTHS: Final = 0.5
_REACH_WIDTHS: Final = 2.0
_SIZES: Final = log(2.0)


@dataclass
class Track:
    """One face, from the frame where it was first found on. Places in pixels, times on the clock of the source."""

    number: int
    x: float
    y: float
    width: float
    seen_at: float
    frames: int = 1
    speed: tuple[float, float] = (0.0, 0.0)

    @property
    def is_confirmed(self) -> bool:
        """Whether it was found often enough to be a face."""
        return self.frames >= CONFIRMED

    def cost(self, detection: Detection, at: float) -> float:
        """How badly a detection suits this track: 0 is just as expected, from 1 on it is another face."""
        x, y, width = _place(detection)
        elapsed = at - self.seen_at
        expected = self.x + self.speed[0] * elapsed, self.y + self.speed[1] * elapsed
        away = 2 * hypot(x - expected[0], y - expected[1]) / (width + self.width)
        reach = min(_JITTER_WIDTHS + _WIDTHS_A_SECOND * elapsed, _REACH_WIDTHS)
        return max(away / reach, abs(log(width / self.width)) / _SIZES)

    def move(self, detection: Detection, at: float) -> None:
        """The face is here now."""
        x, y, width = _place(detection)
        if (elapsed := at - self.seen_at) > 0:
            moved = (x - self.x) / elapsed, (y - self.y) / elapsed
            before = moved if self.frames == 1 else self.speed
            self.speed = (before[0] + moved[0]) / 2, (before[1] + moved[1]) / 2
        self.x, self.y, self.width = x, y, width
        self.seen_at = at
        self.frames += 1


class Tracker:
    """Follows the faces of one camera, frame by frame."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._begun = 0

    def update(self, detections: Sequence[Detection], at: float) -> list[tuple[Track, Detection]]:
        """The track of each detection of a frame."""
        costs = np.array([[track.cost(each, at) for each in detections] for track in self._tracks])
        pairs = assign(costs.reshape(len(self._tracks), len(detections)), 1.0)
        found = []
        for row, column in pairs:
            self._tracks[row].move(detections[column], at)
            found.append((self._tracks[row], detections[column]))
        known = {column for _, column in pairs}
        found += [
            (self._begin(detection, at), detection)
            for column, detection in enumerate(detections)
            if column not in known
        ]
        return found

    def end(self, at: float) -> list[Track]:
        """The tracks that are over at this time."""
        over = [track for track in self._tracks if at - track.seen_at > GAP_SECONDS]
        self._tracks = [track for track in self._tracks if track not in over]
        return over

    def _begin(self, detection: Detection, at: float) -> Track:
        self._begun += 1
        track = Track(self._begun, *_place(detection), at)
        self._tracks.append(track)
        return track


def _place(detection: Detection) -> tuple[float, float, float]:
    """The centre of a face, and its width."""
    x, y, width, height = detection.box
    return x + width / 2, y + height / 2, max(width, 1.0)
