"""How many faces cameras saw: what is taken of it, from whom, once, and what the log has."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blindwatch.errors import (
    AlreadyCounted,
    BlindwatchError,
    DeploymentClosed,
    Forbidden,
    MalformedMessage,
    OutsideWindow,
    UnknownCamera,
    UnsignedRequest,
)
from blindwatch.records.record import minute
from blindwatch.records.server import FacesCounted
from blindwatch.statements.predicates import Window
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import FacesSeen

from ..people import CAMERA, camera_key, stamp
from ..serving import FORCE, TOKENS
from .acts import closing
from .test_ledger import records

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]

SECOND_CAMERA = Ed25519PrivateKey.generate()
CAMERAS = (camera_key(CAMERA, FORCE.camera), camera_key("gate-2", SECOND_CAMERA))
HOUR = timedelta(hours=1)
SEEN = FacesSeen(camera=CAMERA, faces=12, dropped=2, unusable=3)


def ago(**elapsed: float) -> str:
    return minute(datetime.now(UTC) - timedelta(**elapsed))


def opened(server: ServerProcess, trial: Trial, begun: timedelta = HOUR, end: datetime | None = None) -> str:
    now = datetime.now(UTC)
    return trial.open(
        server,
        cameras=CAMERAS,
        window=Window(not_before=stamp(now - begun), not_after=stamp(end or now + HOUR)),
    )


def counted(server: ServerProcess, name: str) -> list[FacesCounted]:
    return [each for each in records(server, name) if isinstance(each, FacesCounted)]


def second(server: ServerProcess, key: Ed25519PrivateKey = SECOND_CAMERA) -> ServerClient:
    return ServerClient(server.address, Signing(key), timeout=20)


def test_a_minute_is_taken_once_and_is_in_the_log(server: ServerProcess, trial: Trial) -> None:
    name, camera = opened(server, trial), server.client("camera")
    first, other = ago(minutes=5), ago(minutes=4)
    for _ in range(3):
        camera.put_counts(name, first, SEEN)
    for changed in ({"faces": 13}, {"dropped": 1}, {"unusable": 0}):
        with pytest.raises(AlreadyCounted):
            camera.put_counts(name, first, SEEN.model_copy(update=changed))
    camera.put_counts(name, other, SEEN.model_copy(update={"faces": 7}))
    found = [(each.camera, each.minute, each.faces, each.dropped) for each in counted(server, name)]
    assert found == [(CAMERA, first, 12, 2), (CAMERA, other, 7, 2)]
    assert {each.unusable for each in counted(server, name)} == {3}


def test_each_camera_has_minutes_of_its_own(server: ServerProcess, trial: Trial) -> None:
    name, which = opened(server, trial), ago(minutes=5)
    server.client("camera").put_counts(name, which, SEEN)
    with second(server) as client:
        with pytest.raises(Forbidden):
            client.put_counts(name, which, SEEN)
        client.put_counts(name, which, SEEN.model_copy(update={"camera": "gate-2"}))
    assert [each.camera for each in counted(server, name)] == [CAMERA, "gate-2"]


def test_of_copies_at_once_one_is_recorded(server: ServerProcess, trial: Trial) -> None:
    name, camera, which = opened(server, trial), server.client("camera"), ago(minutes=5)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: camera.put_counts(name, which, SEEN), range(8)))
    assert len(counted(server, name)) == 1


def test_a_server_that_was_killed_knows_what_it_took(start: Start, trial: Trial) -> None:
    server = start()
    name, which = opened(server, trial), ago(minutes=5)
    server.client("camera").put_counts(name, which, SEEN)
    server.kill()
    server.start()
    camera = server.client("camera")
    camera.put_counts(name, which, SEEN)
    with pytest.raises(AlreadyCounted):
        camera.put_counts(name, which, SEEN.model_copy(update={"faces": 99}))
    assert len(counted(server, name)) == 1


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        pytest.param(lambda: ago(minutes=-2), OutsideWindow, id="in the future"),
        pytest.param(lambda: ago(minutes=62), OutsideWindow, id="before the deployment"),
        pytest.param(lambda: ago(), None, id="the current minute"),
        pytest.param(lambda: ago(minutes=60), None, id="the first minute"),
        pytest.param(lambda: "2026-13-01T00:00:00Z", MalformedMessage, id="no time"),
        pytest.param(lambda: ago().replace(":00Z", ":01Z"), MalformedMessage, id="no minute"),
        pytest.param(lambda: "today", MalformedMessage, id="a word"),
    ],
)
def test_which_minutes(
    server: ServerProcess, trial: Trial, which: Callable[[], str], expected: type[BlindwatchError] | None
) -> None:
    name, camera = opened(server, trial), server.client("camera")
    if expected is None:
        camera.put_counts(name, which(), SEEN)
    else:
        with pytest.raises(expected):
            camera.put_counts(name, which(), SEEN)
    assert len(counted(server, name)) == (expected is None)


def test_the_last_minute_is_taken_after_the_end_and_none_behind_it(
    server: ServerProcess, trial: Trial
) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10)
    name, camera = opened(server, trial, end=end), server.client("camera")
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 0.5)
    with pytest.raises(OutsideWindow):
        camera.post_probe(name, trial.probe())
    camera.put_counts(name, minute(end - timedelta(seconds=1)), SEEN)
    with pytest.raises(OutsideWindow):
        camera.put_counts(name, minute(end + timedelta(minutes=1)), SEEN)
    server.client("custodian").close_deployment(name, closing(server, name))
    with pytest.raises(DeploymentClosed):
        camera.put_counts(name, ago(minutes=1), SEEN)
    assert len(counted(server, name)) == 1


def test_nobody_else_counts(server: ServerProcess, trial: Trial) -> None:
    name, which = opened(server, trial), ago(minutes=5)
    with second(server, Ed25519PrivateKey.generate()) as stranger, pytest.raises(UnknownCamera):
        stranger.put_counts(name, which, SEEN)
    for role in TOKENS:
        with pytest.raises(UnsignedRequest):
            server.client(role).put_counts(name, which, SEEN)
    assert counted(server, name) == []


def test_more_cannot_be_lost_than_was_seen() -> None:
    wrong = SEEN.model_construct(camera=CAMERA, faces=1, dropped=1, unusable=1)
    with pytest.raises(MalformedMessage):
        FacesSeen.from_cbor(wrong.to_cbor())
