"""No secret of a run is in the server's memory, store, log or traffic, nor on the camera's disk.

One deployment on the photographs that come inside a package, with real processes and real ciphertexts. What is secret
is searched for in every form that `known` makes of it. What is planted, and what is public where it should be, is
found, so that finding nothing means something.
"""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pytest

from blindwatch.demo.photographs import Cast, Relation, built_in
from blindwatch.deployment.prediction import curves, predict
from blindwatch.errors import MalformedCiphertext, NoFace
from blindwatch.he.presets import preset
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.vision.pipeline import Face, FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry
from blindwatch.wire.messages import Probe, Result

from . import known, memory, writes
from .deployment import NAME, ROLES, Deployment, Server
from .known import Sighting
from .search import CHUNK, Needle, Search, files, images, is_telling, needles
from .tap import LOOPBACK, Traffic, bodies, tap

PRESET: Final = preset("reveal-128")
PASSERS_BY: Final = 8
MOMENTS: Final = ("probes wait", "results wait", "results are fetched")
PROCESSES: Final = ("server", "worker 1", "worker 2")
IN_MEMORY: Final = [f"{who} while {moment}" for moment in MOMENTS for who in PROCESSES]
IN_BYTES: Final = [
    *(f"store while {moment}" for moment in MOMENTS),
    "store in the end",
    "log",
    *(f"traffic of the {role}" for role in ROLES),
    "camera's folders",
    "camera's output",
]
PUBLIC: Final = "public "


@dataclass(frozen=True)
class People:
    """Everybody's photographs, and the faces in them as camera and custodian find them."""

    cast: Cast
    enrolled: list[Sighting]
    crowd: list[Sighting]

    @property
    def stranger(self) -> Sighting:
        """Somebody who is not on the list."""
        pairs = zip(self.cast.crowd, self.crowd, strict=True)
        return next(seen for photograph, seen in pairs if photograph.relation is Relation.STRANGER)


@dataclass
class Evidence:
    """A run that is over: what was found where, and what the roles said."""

    deployment: Deployment
    search: Search
    looks: list[dict[str, Any]]
    secret: SecretKey
    found: dict[str, set[str]] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    readings: list[dict[str, Any]] = field(default_factory=list)
    result_in: dict[str, bool] = field(default_factory=dict)
    planted: set[str] = field(default_factory=set)
    camera_port: int = 0

    def secrets(self, place: str) -> set[str]:
        """The secrets that were found in a place."""
        return {what for what in self._at(place) if not what.startswith(PUBLIC)}

    def public(self, place: str) -> set[str]:
        """What was found in a place and may be there."""
        return self._at(place) - self.secrets(place)

    def _at(self, place: str) -> set[str]:
        if place not in self.found:
            pytest.skip("this system does not let us read the memory of processes that we started")
        return self.found[place]

    def look_at(self, place: str, *data: bytes | bytearray) -> None:
        self.found[place] = set[str]().union(*map(self.search.whole, data))
        self.images[place] = sum(map(images, data))

    def look_around(self, server: Server, moment: str) -> None:
        """Look into the store, and into the server's processes while nothing moves in them."""
        processes = zip(PROCESSES, (server.pid, *server.workers), strict=True)
        with memory.stopped([server.pid]):
            for who, pid in processes:
                if memory.can_read(pid):
                    self.found[f"{who} while {moment}"] = self.search.chunks(memory.chunks(pid))
            self.look_at(f"store while {moment}", *contents(self.deployment.store))


@pytest.fixture(scope="module")
def people() -> People:
    pipeline = FacePipeline.named(Registry.load())
    seen: dict[bytes, list[Face]] = {}

    def faces(photograph: bytes) -> list[Face]:
        if photograph not in seen:
            try:
                seen[photograph] = pipeline.faces(photograph)
            except NoFace:
                seen[photograph] = []
        return seen[photograph]

    cast = built_in(PASSERS_BY, lambda photograph: bool(faces(photograph)))
    enrolled, crowd = (
        [Sighting(f"{each.person} {where}", each.data, faces(each.data)) for each in photographs]
        for where, photographs in (("on the list", cast.enrolled), ("passing by", cast.crowd))
    )
    return People(cast, enrolled, crowd)


@pytest.fixture(scope="module")
def of_people(people: People) -> list[Needle]:
    """What is secret about people: their photographs and all that is made of them."""
    found = [each for seen in (*people.enrolled, *people.crowd) for each in known.of_sighting(seen, PRESET)]
    by_name = sorted(people.enrolled, key=lambda seen: seen.who)
    gallery = templates([seen.faces[0].embedding for seen in by_name], PRESET)
    for seen in people.crowd:
        for face in seen.faces:
            found += known.of_scores(seen.who, gallery, templates([face.embedding], PRESET))
    return found


@pytest.fixture(scope="module")
def evidence(people: People, of_people: list[Needle], tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    deployment = Deployment(tmp_path_factory.mktemp("traces"), people.cast)
    deployment.enrol()
    shares = [path.read_text().strip() for path in sorted(deployment.shares.iterdir())]
    master = combine(shares[:2])
    secret = unwrap((deployment.keys / FILE).read_bytes(), master)
    secrets = [*of_people, *known.of_secret_key(secret), *known.of_shares(shares, master)]
    with deployment.server() as server:
        deployment.upload(server)
        with memory.stopped(server.workers):
            looks, output = deployment.watch(server)
            search = Search([*secrets, *of_the_server(deployment, server)])
            evidence = Evidence(deployment, search, looks, secret)
            evidence.look_around(server, "probes wait")
        deployment.wait(server)
        evidence.look_around(server, "results wait")
        result = a_result(deployment, server)
        evidence.result_in["store"] = any(map(result.whole, contents(deployment.store)))
        evidence.readings = deployment.read(server, len(probe_ids(looks)))
        evidence.look_around(server, "results are fetched")
        evidence.planted = plant_in_traffic(deployment, server, people.stranger, search)
    for role, each in server.taps.items():
        evidence.look_at(f"traffic of the {role}", *each.traffic.streams)
    evidence.result_in["traffic"] = any(map(result.whole, server.taps["operator"].traffic.received))
    evidence.look_at("store in the end", *contents(deployment.store))
    evidence.look_at("log", deployment.log.read_bytes())
    evidence.look_at("camera's folders", *contents(deployment.camera_folder))
    evidence.look_at("camera's output", output)
    evidence.camera_port = server.taps["camera"].port
    return evidence


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in files(folder)]


def probe_ids(looks: list[dict[str, Any]]) -> list[str]:
    return [probe["probeId"] for look in looks for probe in look["probes"]]


def probes(traffic: Traffic) -> list[Probe]:
    """The probes that a camera sent."""
    return [Probe.from_cbor(body) for stream in traffic.sent for body in bodies(stream, b"POST ")]


def of_the_server(deployment: Deployment, server: Server) -> list[Needle]:
    """What the server is meant to have."""
    prepared = max(files(deployment.store / "prepared"), key=lambda path: path.stat().st_size)
    found = known.of_ciphertext("list", prepared.read_bytes())
    found += known.of_ciphertext("keys", (deployment.keys / "evaluation.keys").read_bytes())
    for probe in probes(server.taps["camera"].traffic):
        found += known.of_ciphertext("probe", probe.ciphertext)
    return [Needle(PUBLIC + each.what, each.data) for each in found]


def a_result(deployment: Deployment, server: Server) -> Search:
    """A result that waits, not taken away."""
    with deployment.client(server.address, "operator") as client:
        result = client.fetch_results(NAME).results[0]
    assert isinstance(result, Result)
    return Search(known.of_ciphertext("result", result.releases[0].ciphertexts[0]))


def plant_in_traffic(deployment: Deployment, server: Server, seen: Sighting, search: Search) -> set[str]:
    """Send a template in clear where a ciphertext belongs, and find it in what went over the wire."""
    (real, *_) = probes(server.taps["camera"].traffic)
    template = templates([seen.faces[0].embedding], PRESET).fine.tobytes()
    false = real.model_copy(update={"probe_id": "0" * 32, "ciphertext": template})
    with (
        tap(server.address) as leak,
        deployment.client(leak.address, "camera") as client,
        pytest.raises(MalformedCiphertext),
    ):
        client.post_probe(NAME, false)
    return set[str]().union(*map(search.whole, leak.traffic.sent))


def kinds(found: set[str]) -> set[str]:
    return {what.split(" of ")[0].split(" as ")[0].split(",")[0].removeprefix(PUBLIC) for what in found}


@pytest.mark.parametrize("place", [*IN_MEMORY, *IN_BYTES])
def test_no_secret_is_found(place: str, evidence: Evidence) -> None:
    assert evidence.secrets(place) == set()


@pytest.mark.parametrize("place", IN_BYTES)
def test_no_image_is_found(place: str, evidence: Evidence) -> None:
    assert evidence.images[place] == 0


def test_the_run_was_a_real_one(evidence: Evidence, people: People) -> None:
    read = {reading["probeId"] for reading in evidence.readings}
    assert read == set(probe_ids(evidence.looks))
    assert len(read) == sum(len(seen.faces) for seen in people.crowd) >= PASSERS_BY
    matched = [bool(reading["matches"]) for reading in evidence.readings]
    assert any(matched)
    assert not all(matched)
    assert not any(reading["problem"] for reading in evidence.readings)


def test_the_manifest_promises_what_was_measured_of_the_model(evidence: Evidence) -> None:
    manifest = DeploymentManifest.read(Envelope.from_json(evidence.deployment.manifest.read_bytes()))
    measured = curves(Registry.load(), manifest.model_digest)
    expected = predict(measured, manifest.thresholds.similarity, manifest.watchlist.entries)
    assert manifest.predicted == expected.statement(None)
    assert manifest.predicted.false_match_rate > 0


def test_there_is_something_to_find_of_every_kind(evidence: Evidence) -> None:
    assert kinds({each.what for each in evidence.search.needles}) >= set(known.KINDS)
    assert len(evidence.search.needles) > 10_000


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("server while probes wait", "probe"),
        ("worker 1 while results wait", "list"),
        ("worker 2 while results wait", "list"),
        ("store while results wait", "keys"),
        ("store while results wait", "list"),
        ("traffic of the custodian", "keys"),
        ("traffic of the camera", "probe"),
    ],
)
def test_what_the_server_is_meant_to_have_is_found(place: str, what: str, evidence: Evidence) -> None:
    assert what in kinds(evidence.public(place))


def test_results_are_found_in_the_store_and_on_their_way(evidence: Evidence) -> None:
    assert evidence.result_in == {"store": True, "traffic": True}


@pytest.mark.parametrize("place", [place for place in IN_BYTES if place != "traffic of the camera"])
def test_no_probe_is_found_but_where_it_belongs(place: str, evidence: Evidence) -> None:
    assert "probe" not in kinds(evidence.public(place))


def test_the_camera_leaves_no_file(evidence: Evidence) -> None:
    assert files(evidence.deployment.camera_folder) == []


@pytest.fixture
def calls(evidence: Evidence) -> Path:
    """The system calls of the camera."""
    if not writes.can_trace():
        pytest.skip("strace is not there, or may not trace")
    return evidence.deployment.calls


def test_the_camera_writes_to_no_file(calls: Path) -> None:
    assert writes.written(calls) == set()


def test_the_camera_talks_to_the_server_alone(calls: Path, evidence: Evidence) -> None:
    assert writes.addressed(calls) == {(LOOPBACK, evidence.camera_port)}


def test_a_command_that_writes_and_talks_is_seen(tmp_path: Path) -> None:
    if not writes.can_trace():
        pytest.skip("strace is not there, or may not trace")
    left, moved = tmp_path / "left", tmp_path / "moved"
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        program = (
            "import socket, sys; from pathlib import Path; left = Path(sys.argv[1])\n"
            "left.write_text('a trace'); left.rename(sys.argv[2])\n"
            f"socket.create_connection(({LOOPBACK!r}, {port})).close()"
        )
        command = [sys.executable, "-c", program, str(left), str(moved)]
        subprocess.run([*writes.traced(tmp_path / "calls"), *command], check=True)
    seen = writes.written(tmp_path / "calls")
    assert str(left) in seen
    assert any(str(moved) in each for each in seen)
    assert writes.addressed(tmp_path / "calls") == {(LOOPBACK, port)}


@pytest.fixture(scope="module")
def search(people: People) -> Search:
    """A search for what is made of one photograph."""
    return Search(known.of_sighting(people.stranger, PRESET))


@pytest.mark.parametrize(
    ("write", "form", "encoding"),
    [
        (lambda vector: vector.tobytes().hex(), "float32", "hexadecimal"),
        (lambda vector: base64.b64encode(vector.tobytes()).decode(), "float32", "Base64"),
        (lambda vector: base64.urlsafe_b64encode(b"!" + vector.tobytes()).decode(), "float32", "Base64"),
        (lambda vector: json.dumps(vector.tolist()), "text", "plain"),
        (lambda vector: repr(vector.astype(np.float16).tobytes()), "float16", "printed in JSON"),
    ],
)
def test_an_embedding_in_a_log_is_found(
    write: Callable[[Any], str], form: str, encoding: str, search: Search, people: People, tmp_path: Path
) -> None:
    seen = people.stranger
    line = json.dumps({"at": "now", "event": "request", "detail": write(seen.faces[0].embedding)})
    (tmp_path / "server.log").write_text(f'{{"event": "listening"}}\n{line}\n')
    found = search.folder(tmp_path)
    assert any(what.startswith(f"embedding of {seen.who} as {form}, {encoding}") for what in found)


def test_a_crop_in_a_file_is_found(search: Search, people: People, tmp_path: Path) -> None:
    crop = people.stranger.faces[0].crop
    np.save(tmp_path / "crop.npy", crop)
    assert kinds(search.folder(tmp_path)) == {"crop"}
    for suffix in (".png", ".jpg"):
        cv2.imwrite(str(tmp_path / f"crop{suffix}"), crop)
        assert images((tmp_path / f"crop{suffix}").read_bytes()) == 1


def test_a_template_in_traffic_is_found(evidence: Evidence, people: People) -> None:
    assert f"fine template of {people.stranger.who} as int64, plain" in evidence.planted


def test_an_embedding_in_the_memory_of_a_process_is_found(search: Search, people: People) -> None:
    program = (
        "import json, sys; import numpy\n"
        "held = numpy.array(json.loads(sys.stdin.readline()), numpy.float32)\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    seen = people.stranger
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(seen.faces[0].embedding.tolist()) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        if not memory.can_read(process.pid):
            pytest.skip("this system does not let us read the memory of processes that we started")
        found = search.chunks(memory.chunks(process.pid))
    assert f"embedding of {seen.who} as float32, plain" in found


@pytest.mark.parametrize("write", [bytes, base64.b64encode, lambda key: key.hex().encode()])
def test_the_secret_key_beside_the_store_is_found(
    write: Callable[[bytes], bytes], evidence: Evidence, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "secret.key").write_bytes(write(evidence.secret.material))
    assert kinds(evidence.search.folder(tmp_path)) == {"secret key"}
    assert evidence.search.folder(tmp_path / "store") == set()


@pytest.mark.parametrize("before", [0, 1, 7, 4096, CHUNK - 50, CHUNK + 3])
def test_a_needle_is_found_wherever_it_lies(before: int, rng: np.random.Generator) -> None:
    made = needles("needle", rng.bytes(64))
    for each in made:
        assert Search(made).whole(bytes(before) + each.data + b"end") == {each.what}
        assert Search(made).whole(bytes(before) + each.data[:-1] + b"end") == set()


def test_what_could_be_met_by_chance_is_no_needle(rng: np.random.Generator) -> None:
    even = [
        bytes(4096),
        bytes(range(8)) * 4,
        b"\x07" * 100,
        bytes(np.repeat(np.arange(16, dtype=np.uint8), 8)),
    ]
    assert not any(map(is_telling, even))
    assert not is_telling(rng.bytes(39))
    assert is_telling(rng.bytes(40))
    assert is_telling(rng.integers(-1, 2, 128).astype(np.int64).tobytes())
