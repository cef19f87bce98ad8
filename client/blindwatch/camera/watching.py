"""From frames to the one shot of each face that is worth sending. Frames and times decide, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from blindwatch.camera.frames import Frame, Shot
from blindwatch.camera.tracker import Track, Tracker
from blindwatch.camera.zone import Zone
from blindwatch.vision.detector import Detection
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import framed
from blindwatch.vision.quality import SMALLEST_EYES, measure_face

SHOT_SECONDS: Final = 0.5
"""A shot is sent when for so long there was none better."""
TRACK_SECONDS: Final = 2.0
"""The best shot is sent at the latest so long after the first."""
LATE_SECONDS: Final = 0.6
"""A shot is sent at this age by the clock of this machine, however slowly frames come."""
_BETTER: Final = 1.1
_SLACK_SECONDS: Final = 0.005
"""What times of frames may be off: many sources cut them to milliseconds."""


@dataclass
class Due:
    """What is to be sent, and how many faces ended that never gave a shot."""

    shots: list[Shot] = field(default_factory=list)
    unusable: int = 0


@dataclass
class _Sighting:
    """A track with its best shot, until that is sent."""

    track: Track
    best: Shot | None = None
    since: float = 0.0
    is_sent: bool = False

    def offer(self, shot: Shot) -> None:
        """Keep the better one of two shots, and wipe the other."""
        if self.best is None:
            self.since, self.best = shot.at, shot
        elif shot.rank > _BETTER * self.best.rank:
            self.best.wipe()
            self.best = shot
        else:
            shot.wipe()

    def is_ripe(self, at: float) -> bool:
        """Whether it is time to send the shot."""
        if self.best is None:
            return False
        return at - self.best.at >= SHOT_SECONDS or at - self.since >= TRACK_SECONDS

    def take(self) -> Shot | None:
        """The shot, if the track is a face."""
        shot, self.best = self.best, None
        if shot is not None and not self.track.is_confirmed:
            shot.wipe()
            return None
        self.is_sent = self.is_sent or shot is not None
        return shot


class Watcher:
    """Follows faces and chooses one shot of each."""

    def __init__(
        self, pipeline: FacePipeline, zone: Zone | None = None, smallest: float = SMALLEST_EYES
    ) -> None:
        """`smallest` is in pixels from eye to eye."""
        self._pipeline = pipeline
        self._zone = zone
        self._smallest = smallest
        self._tracker = Tracker()
        self._sightings: dict[int, _Sighting] = {}

    def see(self, frame: Frame) -> Due:
        """Look at one frame; the pixels of faces outside the zone are not looked at further."""
        found = self._pipeline.detect(frame.image, self._smallest)
        if self._zone is not None:
            found = [each for each in found if self._zone.holds(each, frame.image)]
        for track, detection in self._tracker.update(found, frame.at):
            sighting = self._sightings.setdefault(track.number, _Sighting(track))
            if not sighting.is_sent:
                self._look(sighting, frame, detection)
        due = self._take(each for each in self._holding() if each.is_ripe(frame.at + _SLACK_SECONDS))
        return self._end(due, frame.at)

    def late(self, now: float) -> Due:
        """What is to be sent at this time of the monotonic clock, whether there is another frame or not."""
        return self._take(
            each
            for each in self._holding()
            if each.best is not None and now - each.best.taken >= LATE_SECONDS
        )

    def finish(self) -> Due:
        """What is to be sent when there are no frames any more."""
        return self._end(self._take(self._holding()), float("inf"))

    def _look(self, sighting: _Sighting, frame: Frame, detection: Detection) -> None:
        crop = self._pipeline.crop(frame.image, detection)
        quality = measure_face(detection.landmarks, crop)
        if any(quality.shortcomings(self._smallest)):
            crop.fill(0)
            return
        portrait = framed(frame.image, detection.landmarks)
        times = (frame.at, frame.taken, frame.captured_at)
        sighting.offer(Shot(sighting.track.number, crop, portrait, quality.rank, *times))

    def _holding(self) -> list[_Sighting]:
        return [each for each in self._sightings.values() if each.best is not None]

    def _take(self, sightings: Iterable[_Sighting]) -> Due:
        return Due([shot for each in sightings if (shot := each.take()) is not None])

    def _end(self, due: Due, at: float) -> Due:
        for track in self._tracker.end(at):
            sighting = self._sightings.pop(track.number)
            if (shot := sighting.take()) is not None:
                due.shots.append(shot)
            due.unusable += track.is_confirmed and not sighting.is_sent
        return due
