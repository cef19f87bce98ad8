"""From frames to shots: who is one and the same, which shot is sent, and what is never looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from blindwatch.camera import watching
from blindwatch.camera.assignment import assign
from blindwatch.camera.frames import Frame, Shot
from blindwatch.camera.tracker import GAP_SECONDS, Tracker
from blindwatch.camera.watching import LATE_SECONDS, SHOT_SECONDS, TRACK_SECONDS, Due, Watcher
from blindwatch.camera.zone import Zone
from blindwatch.errors import ConfigurationError
from blindwatch.vision.detector import Detection
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import framed
from blindwatch.vision.quality import SMALLEST_EYES

from .clips import RATE, Walk, blurred, pictures
from .photographs import blur, small

NOTHING = np.zeros((5, 2))


def face(x: float, y: float = 50.0, width: float = 40.0) -> Detection:
    """A face whose middle is here."""
    return Detection((x - width / 2, y - width / 2, width, width), NOTHING, 1.0)


# Assignment


@given(arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.floats(0, 2)))
def test_the_assignment_is_that_of_scipy(costs: np.ndarray) -> None:
    pairs = assign(costs, 1.0)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(costs[pair] < 1.0 for pair in pairs)
    dear = np.where(costs < 1.0, costs, 100.0)
    best = dear[linear_sum_assignment(dear)]
    assert len(pairs) == (best < 100).sum()
    assert sum(costs[pair] for pair in pairs) == pytest.approx(best[best < 100].sum())


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_is_assigned_to_nobody(shape: tuple[int, int]) -> None:
    assert assign(np.zeros(shape), 1.0) == []


# Tracks


def followed(*frames: Sequence[Detection], step: float = 0.2) -> list[list[int]]:
    """The numbers of the tracks in each frame."""
    tracker = Tracker()
    found = []
    for number, detections in enumerate(frames):
        at = number * step
        tracker.end(at)
        by_place = {id(each): track.number for track, each in tracker.update(detections, at)}
        found.append([by_place[id(each)] for each in detections])
    return found


def test_a_walk_is_one_track() -> None:
    assert followed(*([face(10 + 15 * n)] for n in range(20))) == [[1]] * 20


def test_two_who_pass_each_other_stay_two() -> None:
    frames = [[face(10 + 30 * n), face(310 - 30 * n, 70)] for n in range(11)]
    assert followed(*frames) == [[1, 2]] * 11


def test_the_order_of_detections_means_nothing() -> None:
    assert followed([face(10), face(200)], [face(202), face(12)]) == [[1, 2], [2, 1]]


def test_a_detector_may_miss_a_face_for_a_while() -> None:
    missed = round(GAP_SECONDS / 0.2) - 2
    frames = [[face(10)], [face(20)], *[[] for _ in range(missed)], [face(20 + 10 * (missed + 1))]]
    assert followed(*frames)[-1] == [1]
    assert followed(*frames[:2], *[[] for _ in range(missed + 3)], [face(30)])[-1] == [2]


@pytest.mark.parametrize("other", [face(200), face(12, width=100), face(12, y=200)])
def test_who_is_elsewhere_or_of_another_size_is_somebody_else(other: Detection) -> None:
    assert followed([face(10)], [other]) == [[1], [2]]


def test_a_source_whose_clock_stands_still_is_no_reason_to_fail() -> None:
    assert followed([face(10)], [face(12)], [face(14)], step=0.0) == [[1], [1], [1]]


# The zone


def test_the_middle_of_a_face_decides() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    zone = Zone([(0.5, 0), (1, 0), (1, 1), (0.5, 1)])
    assert [zone.holds(face(x, 50), picture) for x in (50, 99, 101, 199)] == [False, False, True, True]
    corner = Zone([(0, 0), (1, 0), (0, 1)])
    assert corner.holds(face(50, 40), picture)
    assert not corner.holds(face(150, 60), picture)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "[[0, 0], [1, 1]]", "[[0, 0], [1, 1], [0.5, 0.5]]", "[[0, 0], [2, 0], [0, 1]]"),
        *('[[0, 0], ["a", 0], [0, 1]]', "[[0, 0], [NaN, 0], [0, 1]]", "[[0, 0, 0], [1, 0, 0], [0, 1, 0]]"),
    ],
)
def test_a_zone_that_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "zone.json").write_text(text)
    with pytest.raises(ConfigurationError):
        Zone.load(tmp_path / "zone.json")


# Shots


def frames(walks: Sequence[Walk], seconds: float) -> Iterator[Frame]:
    return (Frame(picture, at, at, "") for at, picture in pictures(walks, seconds, RATE))


def watched(watcher: Watcher, walks: Sequence[Walk], seconds: float) -> list[tuple[float, Due]]:
    """What was due, and when."""
    found = [(frame.at, watcher.see(frame)) for frame in frames(walks, seconds)]
    return [*found, (seconds, watcher.finish())]


def shots(found: list[tuple[float, Due]]) -> list[Shot]:
    return [shot for _, due in found for shot in due.shots]


def unusable(found: list[tuple[float, Due]]) -> int:
    return sum(due.unusable for _, due in found)


def test_each_of_a_crowd_is_one_shot(pipeline: FacePipeline) -> None:
    walks = [Walk(0, 0, 2, speed=20), Walk(3, 0.4, 2, x=240, speed=-20)]
    walks += [Walk(18, 4, 2, speed=20), Walk(77, 4.6, 2, x=230, speed=-20)]
    found = watched(Watcher(pipeline), walks, 8)
    assert [shot.track for shot in shots(found)] == [1, 2, 3, 4]
    assert unusable(found) == 0


def test_a_shot_is_young_when_it_is_due(pipeline: FacePipeline) -> None:
    sharper = Walk(0, 0, 6, speed=10, spoil=lambda image, at: blur(image, 1.4 - at / 5))
    found = watched(Watcher(pipeline), [sharper], 6)
    [(at, due)] = [(at, due) for at, due in found if due.shots]
    assert at - due.shots[0].at <= SHOT_SECONDS + 2 / RATE
    assert at <= TRACK_SECONDS + 4 / RATE


def test_the_best_shot_is_the_one_that_is_sharp_and_it_is_nearest_to_the_person(
    pipeline: FacePipeline,
) -> None:
    def spoil(image: Image, at: float) -> Image:
        return image if 0.4 < at < 0.6 else blur(image, 1.8)

    (shot,) = shots(watched(Watcher(pipeline), [Walk(0, 0, 2, spoil=spoil)], 3))
    assert shot.at == pytest.approx(0.5)
    known = pipeline.faces(small(0))[0].embedding
    taken = []
    for frame in frames([Walk(0, 0, 0.9, spoil=spoil)], 0.9):
        found = pipeline.detect(frame.image, SMALLEST_EYES)
        taken += [pipeline.embed(pipeline.crop(frame.image, each)) for each in found]
    chosen = float(pipeline.embed(shot.crop) @ known)
    assert chosen >= max(float(each @ known) for each in taken) - 1e-5


@pytest.mark.parametrize(
    "walk",
    [
        pytest.param(Walk(0, 0, spoil=blurred(4)), id="blurred"),
        pytest.param(Walk(0, 0, side=80), id="small"),
        pytest.param(Walk(0, 0, spoil=lambda image, _: image // 3), id="dark"),
    ],
)
def test_who_is_never_clear_is_counted_and_not_sent(pipeline: FacePipeline, walk: Walk) -> None:
    found = watched(Watcher(pipeline), [walk], 3)
    assert (shots(found), unusable(found)) == ([], 1)


def test_who_is_far_too_small_is_not_even_looked_for(pipeline: FacePipeline) -> None:
    found = watched(Watcher(pipeline, smallest=60), [Walk(0, 0)], 3)
    assert (shots(found), unusable(found)) == ([], 0)
    assert unusable(watched(Watcher(pipeline, smallest=45), [Walk(0, 0)], 3)) == 1


def test_the_smallest_size_can_be_chosen(pipeline: FacePipeline) -> None:
    assert len(shots(watched(Watcher(pipeline, smallest=12), [Walk(0, 0, side=80)], 3))) == 1
    assert shots(watched(Watcher(pipeline, smallest=90), [Walk(0, 0)], 3)) == []


def test_what_was_found_once_only_is_nobody(pipeline: FacePipeline) -> None:
    found = watched(Watcher(pipeline), [Walk(0, 0, 0.9 / RATE)], 4)
    assert (shots(found), unusable(found)) == ([], 0)


class Counting:
    """A pipeline that counts what is asked of it."""

    def __init__(self, pipeline: FacePipeline) -> None:
        self._pipeline = pipeline
        self.cropped = self.embedded = 0
        self.detect = pipeline.detect

    def crop(self, image: Image, detection: Detection) -> Image:
        self.cropped += 1
        return self._pipeline.crop(image, detection)

    def embed(self, crop: Image) -> np.ndarray:
        self.embedded += 1
        return self._pipeline.embed(crop)


def test_outside_the_zone_nobody_is_cropped_embedded_or_counted(pipeline: FacePipeline) -> None:
    inside, outside = Walk(0, 0, 2, x=20, speed=0), Walk(3, 0, 2, x=220, speed=0)
    counting = Counting(pipeline)
    left = Zone([(0, 0), (0.5, 0), (0.5, 1), (0, 1)])
    found = watched(Watcher(counting, left), [inside, outside], 4)  # type: ignore[arg-type]
    for shot in shots(found):
        counting.embed(shot.crop)
    assert counting.embedded == 1
    assert unusable(found) == 0
    # Once a face is sent it is not looked at any more, either.
    assert counting.cropped <= round(SHOT_SECONDS * RATE) + 2
    everywhere = Counting(pipeline)
    assert len(shots(watched(Watcher(everywhere), [inside, outside], 4))) == 2  # type: ignore[arg-type]


def test_when_no_frames_come_a_shot_is_sent_all_the_same(pipeline: FacePipeline) -> None:
    watcher = Watcher(pipeline)
    assert not any(watcher.see(frame).shots for frame in frames([Walk(0, 0)], 0.4))
    assert watcher.late(LATE_SECONDS - 0.1).shots == []
    assert len(watcher.late(0.4 + LATE_SECONDS).shots) == 1
    assert watcher.finish() == Due()


def test_shots_that_are_not_the_best_are_wiped(
    pipeline: FacePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Image] = []

    def noted(make: Callable[..., Image]) -> Callable[..., Image]:
        def noting(*each: object) -> Image:
            taken.append(make(*each))
            return taken[-1]

        return noting

    monkeypatch.setattr(pipeline, "crop", noted(pipeline.crop))
    monkeypatch.setattr(watching, "framed", noted(framed))
    (shot,) = shots(watched(Watcher(pipeline), [Walk(0, 0), Walk(0, 4, spoil=blurred(4))], 7))
    assert len(taken) > 5
    assert sum(bool(each.any()) for each in taken) == 2
    assert shot.crop.any()
    assert shot.portrait.any()
    shot.wipe()
    assert not any(each.any() for each in taken)


def test_what_is_shown_of_a_shot_is_no_picture() -> None:
    picture = np.full((2, 2, 3), 77, np.uint8)
    shot = Shot(1, picture, picture, 0.5, 0, 0, "")
    assert "77" not in repr(shot) + repr(replace(Frame(shot.crop, 0, 0, ""), at=1))
