"""The camera: what it sends, what it refuses to work for, and that it keeps nothing it could not send."""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blindwatch.camera.camera import Camera, Tally
from blindwatch.errors import Problem
from blindwatch.operator.crops import Crops
from blindwatch.secret.crops import Opener
from blindwatch.secret.keys import KeySet
from blindwatch.vision.pipeline import Face, FacePipeline
from blindwatch.vision.portrait import encoded, framed
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import Result

from ..people import CAMERA
from ..serving import FORCE
from .conftest import Scene
from .photographs import PEOPLE, bad, group, portrait, small, write
from .running import command, only_error

if TYPE_CHECKING:
    from tests.serving import ServerProcess

    Start = Callable[..., ServerProcess]
    Make = Callable[..., Camera]

UNUSABLE = {
    "wall": Problem.NO_FACE,
    "words": Problem.UNREADABLE_IMAGE,
    "nothing": Problem.UNREADABLE_IMAGE,
    "cut": Problem.UNREADABLE_IMAGE,
    "huge": Problem.IMAGE_TOO_LARGE,
}
LOOK_FIELDS = {"photograph", "visionMs", "dropped", "problem", "probes"}
SENT_FIELDS = {"probeId", "encryptMs", "sendMs", "bytes"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def make(scene: Scene, pipeline: FacePipeline) -> Make:
    """Makes a camera that stands before one deployment of a server."""

    def make(server: ServerProcess, deployment: str, **changes: object) -> Camera:
        camera = Camera(scene.mandate(deployment), scene.key, pipeline, server.client("camera"))
        return replace(camera, **changes) if changes else camera  # type: ignore[arg-type]

    return make


# What it sees


def test_every_face_of_an_image_is_a_probe_of_its_own(
    make: Make, scene: Scene, server: ServerProcess
) -> None:
    name = scene.open(server)
    camera = make(server, name)
    camera.check_deployment()
    look = camera.look(group(2, 11, 0))
    assert look.problem is None
    assert camera.tally == Tally(images=1, faces=3, sent=3)
    assert len({sent.probe_id for sent in look.sent}) == 3
    results = server.results(name, 3).results
    assert {result.probe_id for result in results} == {sent.probe_id for sent in look.sent}
    assert {result.camera for result in results} == {CAMERA}
    found = [scene.reader.matches(result.releases) for result in results if isinstance(result, Result)]
    # Those of the three who are on the list are found, the third is not.
    assert sorted([scene.names[match.entry] for match in matches] for matches in found) == [
        [],
        [PEOPLE[0]],
        [PEOPLE[2]],
    ]


def test_the_face_that_matched_is_what_the_operator_opens(
    make: Make, scene: Scene, server: ServerProcess, pipeline: FacePipeline
) -> None:
    name = scene.open(server)
    picture = small(0)
    (detected,) = pipeline.detect(picture)
    shown = encoded(framed(picture, detected.landmarks)).tobytes()
    assert make(server, name).look(picture.copy()).problem is None
    (result,) = server.results(name, 1).results
    assert isinstance(result, Result)
    crops = Crops(name, scene.reader, Opener(scene.secret))
    assert crops.open(result, scene.reader.matches(result.releases)) == shown


@pytest.mark.parametrize(("kind", "problem"), UNUSABLE.items())
def test_what_shows_nobody_is_counted_and_the_next_is_looked_at(
    make: Make, scene: Scene, server: ServerProcess, tmp_path: Path, kind: str, problem: Problem
) -> None:
    camera = make(server, scene.open(server))
    look = camera.look(write(tmp_path / "bad.jpg", bad(kind)))
    assert (look.problem, look.sent, look.dropped) == (problem, (), 0)
    assert camera.look(portrait()).problem is None
    assert camera.tally == Tally(images=2, faces=1, sent=1, unusable=1)


def test_a_photograph_that_is_gone_is_unusable(make: Make, scene: Scene, server: ServerProcess) -> None:
    camera = make(server, scene.open(server))
    assert camera.look(Path("not there.jpg")).problem is Problem.UNREADABLE_IMAGE
    assert camera.tally == Tally(images=1, unusable=1)


def test_encrypted_probes_of_one_face_are_never_equal(
    make: Make, keys: KeySet, scene: Scene, server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    mandate = scene.mandate(scene.approve(preset=keys.secret.preset.name, key_id=keys.secret.key_id))
    camera = make(server, scene.open(server), mandate=mandate, key=keys.encryption)
    posted: list[bytes] = []
    monkeypatch.setattr(camera.client, "post_probe", lambda _, probe: posted.append(probe.ciphertext))
    camera.look(small(0))
    camera.look(small(0))
    first, second = posted
    assert first != second
    assert abs(len(first) - len(second)) < len(first) / 100


# What it drops


def test_with_the_server_gone_everything_is_dropped_and_nothing_is_sent_later(
    make: Make, start: Start, scene: Scene
) -> None:
    server = start(port=free_port())
    name = scene.open(server)
    camera = make(server, name)
    assert len(camera.look(small(0)).sent) == 1
    assert server.stop() == 0
    for number in range(3):
        look = camera.look(group(number, number + 1))
        assert (look.sent, look.dropped, look.problem) == ((), 2, Problem.SERVER_UNAVAILABLE)
    assert camera.tally == Tally(images=4, faces=7, sent=1, dropped=6)
    server.start()
    assert len(camera.look(small(1)).sent) == 1
    assert camera.tally == Tally(images=5, faces=8, sent=2, dropped=6)
    assert len(server.results(name, 2).results) == 2
    assert server.client("camera").health().queued == 0


def test_with_the_queue_full_the_rest_is_dropped_and_not_sent_later(
    make: Make, start: Start, scene: Scene
) -> None:
    server = start(queue_length=2)
    name = scene.open(server)
    camera = make(server, name)
    server.pause()
    look = camera.look(group(0, 1, 2, 3))
    assert (len(look.sent), look.dropped, look.problem) == (2, 2, Problem.BUSY)
    assert camera.look(portrait()).dropped == 1
    server.resume()
    results = server.results(name, 2).results
    assert {result.probe_id for result in results} == {sent.probe_id for sent in look.sent}
    assert server.client("camera").health().queued == 0
    assert len(camera.look(portrait()).sent) == 1
    assert len(server.results(name, 3).results) == 3


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A server that has this one answer to everything, as something between camera and server may."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(status)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as between:
        thread = threading.Thread(target=between.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{between.server_port}"
        finally:
            between.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_answer_without_an_explanation_is_no_reason_to_end(
    scene: Scene, pipeline: FacePipeline, status: int
) -> None:
    with answering(status) as address, ServerClient(address, Signing(FORCE.camera)) as client:
        camera = Camera(scene.mandate(scene.approve()), scene.key, pipeline, client)
        assert camera.look(group(0, 1)).dropped == 2
    assert camera.tally == Tally(images=1, faces=2, dropped=2)


class SameFaces:
    """The faces that a pipeline found once, so that many attempts take little time."""

    def __init__(self, pipeline: FacePipeline) -> None:
        self.model_digest = pipeline.model_digest
        self._found = pipeline.faces(group(0, 1, 2))

    def detect(self, image: object) -> list[Face]:  # noqa: ARG002 - whatever it is
        return self._found

    def describe(self, image: object, face: Face) -> Face:  # noqa: ARG002
        # What is sent is wiped.
        return replace(face, crop=face.crop.copy(), embedding=face.embedding.copy())


def test_memory_does_not_grow_with_what_is_dropped(scene: Scene, pipeline: FacePipeline) -> None:
    faces: Any = SameFaces(pipeline)
    address = f"http://127.0.0.1:{free_port()}"
    with ServerClient(address, Signing(FORCE.camera)) as client:
        camera = Camera(scene.mandate(scene.approve()), scene.key, faces, client)

        def drop(times: int) -> int:
            for _ in range(times):
                assert camera.look(small(0)).dropped == 3
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            # The interpreter's own free lists fill first.
            before, after = drop(60), drop(100)
        finally:
            tracemalloc.stop()
    assert camera.tally == Tally(images=160, faces=480, dropped=480)
    # One ciphertext that was kept would be 64 KiB, and 300 were dropped.
    assert after - before < 48 * 1024


# The command line


def watch(scene: Scene, address: str, deployment: str, source: Path, **changes: object) -> int:
    options = {**scene.camera(deployment), "server": address, "source": source, **changes}
    return command("camera", "run", "--json", **options)


def crowd(folder: Path) -> Path:
    """Photographs and what lies beside them."""
    write(folder / "1-group.png", group(0, 11))
    for number, kind in enumerate(UNUSABLE, 2):
        write(folder / f"{number}-{kind}.jpg", bad(kind))
    write(folder / "8.png", small(12))
    (folder / "a folder").mkdir()
    return folder


def test_a_folder_with_good_and_bad_files(
    scene: Scene, server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = scene.open(server)
    assert watch(scene, server.address, name, crowd(tmp_path / "crowd")) == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [line["photograph"] for line in lines] == sorted(
        path.name for path in (tmp_path / "crowd").iterdir() if path.is_file()
    )
    assert [len(line["probes"]) for line in lines] == [2, 0, 0, 0, 0, 0, 1]
    assert [line["problem"] for line in lines] == [
        None,
        *(problem.urn for problem in UNUSABLE.values()),
        None,
    ]
    assert len(server.results(name, 3).results) == 3
    assert "Error" not in printed.err


def test_what_it_prints_tells_nothing_of_a_face(
    scene: Scene, server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(scene, server.address, scene.open(server), crowd(tmp_path / "crowd")) == 0
    for line in map(json.loads, capsys.readouterr().out.splitlines()):
        assert set(line) == LOOK_FIELDS
        assert isinstance(line["visionMs"], float)
        assert isinstance(line["dropped"], int)
        for probe in line["probes"]:
            assert set(probe) == SENT_FIELDS
            assert len(bytes.fromhex(probe["probeId"])) == 16
            assert all(isinstance(probe[name], float | int) for name in SENT_FIELDS - {"probeId"})


def test_the_table_is_of_counts_only(
    scene: Scene, server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {**scene.camera(scene.open(server)), "source": crowd(tmp_path / "crowd")}
    done = command("camera", "run", server=server.address, **options)
    assert done == 0
    rows = [line.strip("│┃ ").split() for line in capsys.readouterr().out.splitlines()]
    counts = {row[0]: row[-1] for row in rows if len(row) == 3 and row[-1].isdigit()}
    assert counts == {"images": "7", "faces": "3", "sent": "3", "dropped": "0", "unusable": "5"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"keys": "{folder}/none.key"}, "encryption key cannot be read"),
        ({"keys": "{scene}/shares/share-1"}, "key file cannot be read"),
        ({"keys": "{scene}/keys/evaluation.keys"}, "not a blindwatch encryption key"),
        ({"identity": "{folder}/none.pem"}, "camera's identity cannot be read"),
        ({"identity": "{scene}/shares/share-1"}, "not a camera's identity"),
        ({"manifest": "{folder}/none.json"}, "deployment's manifest cannot be read"),
        ({"manifest": "{scene}/shares/share-1"}, "not a signed statement"),
        ({"manifest": "{scene}/watchlist/watchlist.dsse.json"}, "of another kind"),
        ({"register": "{folder}/none.toml"}, "register cannot be read"),
        ({"register": "{scene}/shares/share-1"}, "register does not follow its form"),
        ({"ca": "{folder}/none.pem"}, "certificates of the CA cannot be read"),
        ({"certificate": "{folder}/none.pem"}, "go together"),
        ({"pipeline": "unheard-of"}, "No pipeline of this name"),
        ({"server": "http://127.0.0.1:1"}, "cannot be reached"),
        ({"server": "nowhere at all"}, "cannot be reached"),
    ],
)
def test_an_error_is_one_sentence(
    scene: Scene,
    server: ServerProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    said: str,
) -> None:
    write(tmp_path / "crowd" / "1.png", small(0))
    filled = {name: value.format(folder=tmp_path, scene=scene.folder) for name, value in changes.items()}
    options = {"deployment": scene.open(server), "address": server.address} | filled
    assert watch(scene, source=tmp_path / "crowd", **options) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in only_error(printed.err)


def test_a_model_that_was_changed_is_refused(
    scene: Scene,
    server: ServerProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = Registry.load()
    embedder = registry.find(registry.pipeline("default").embedder)
    write(tmp_path / "models" / embedder.file, b"not the registered model")
    monkeypatch.setenv("BLINDWATCH_MODELS", str(tmp_path / "models"))
    write(tmp_path / "crowd" / "1.png", small(0))
    assert watch(scene, server.address, scene.open(server), tmp_path / "crowd") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "registered digest" in only_error(printed.err)


def test_a_server_that_goes_in_the_middle_leaves_nothing_on_the_disk(
    start: Start, scene: Scene, tmp_path: Path
) -> None:
    server = start()
    name = scene.open(server)
    empty = {part: tmp_path / part for part in ("here", "home", "temporary")}
    for folder in empty.values():
        folder.mkdir()
    for number in range(30):
        write(tmp_path / "crowd" / f"{number:02}.png", small(number % 3))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    environment |= {"HOME": str(empty["home"]), "TMPDIR": str(empty["temporary"]), "NO_COLOR": "1"}
    options = {**scene.camera(name), "server": server.address, "source": tmp_path / "crowd"}
    words = [sys.executable, "-m", "blindwatch.cli.main", "camera", "run", "--json"]
    with subprocess.Popen(
        [*words, *(f"--{name}={value}" for name, value in options.items())],
        cwd=empty["here"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        server.kill()
        lines = [json.loads(line) for line in (first, *process.stdout)]
        complaints = process.stderr.read()
    assert process.returncode == 0, complaints
    assert "Traceback" not in complaints
    assert len(lines) == 30
    assert lines[0]["dropped"] == 0
    assert lines[-1] == lines[-1] | {"dropped": 1, "probes": [], "problem": Problem.SERVER_UNAVAILABLE.urn}
    assert {len(line["probes"]) + line["dropped"] for line in lines} == {1}
    left = [path for folder in empty.values() for path in folder.rglob("*")]
    assert left == []
