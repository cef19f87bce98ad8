"""A clean deployment has no findings, a dirty one has its own for each leak, and other clean data hardly any."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest

from blindwatch.oversight.scan.forms import encoded, of_bytes, of_integers
from blindwatch.oversight.scan.hits import Kind
from blindwatch.oversight.scan.memory import family, stopped
from blindwatch.oversight.scan.needles import Needle
from blindwatch.oversight.scan.own_keys import own_keys
from blindwatch.oversight.scan.scanning import Scan, Sought
from blindwatch.secret.wrapping import wrap

from ..serving import FORCE, ServerProcess, Trial
from .planting import FACE, Found, found, names_canary, noise

PROBES: Final = 3


@dataclass(frozen=True)
class Run:
    """A server that has a list, probes that wait and results, and what must be nowhere in it."""

    server: ServerProcess
    trial: Trial
    sought: Sought

    @property
    def folder(self) -> Path:
        return self.server.folder

    @property
    def store(self) -> Path:
        return self.server.store

    def scan(self, *places: Path) -> Scan:
        scan = Scan(self.sought)
        for place in places:
            scan.path(place)
        return scan


@pytest.fixture(scope="module")
def run(sealed_trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("searched")
    with ExitStack() as stack:
        server = ServerProcess(folder, stack)
        name = sealed_trial.open(server)
        camera = server.client("camera")
        for index in range(PROBES):
            camera.post_probe(name, sealed_trial.probe(index))
        server.results(name, PROBES)
        keys = own_keys(folder / "register.toml") | own_keys(server.store / "log.vkey")
        yield Run(server, sealed_trial, Sought(secrets_of(sealed_trial), FACE.sought.canaries, keys))


def secrets_of(trial: Trial) -> list[Needle]:
    """The templates on the list and of passers-by, and the secret key."""
    fragments = list(of_bytes("secret key", trial.keys.secret.material, 64))
    for at, (coarse, fine) in enumerate(zip(trial.templates.coarse, trial.templates.fine, strict=True)):
        fragments += of_integers(f"coarse template {at}", coarse)
        fragments += of_integers(f"fine template {at}", fine)
    return [*FACE.needles, *encoded(fragments)]


def test_a_clean_store_and_log_have_no_findings(run: Run) -> None:
    scan = run.scan(run.store, run.folder / "log")
    result = scan.result()
    assert result.findings == ()
    assert result.not_searched == ()
    assert {each.place for each in result.own_keys} == {
        str(run.store / name) for name in ("log.pem", "identity.pem")
    }
    assert result.size > 50e6


def test_a_clean_server_has_no_findings_in_memory(run: Run) -> None:
    scan = Scan(run.sought)
    with stopped([run.server.process.pid]):
        pids = family(run.server.process.pid)
        assert len(pids) >= 2
        for pid in pids:
            scan.process(pid)
    assert scan.result().findings == ()


# Each leak has its own finding. It is planted in the store or the log, and taken away again.


@pytest.fixture
def dirty(run: Run) -> Iterator[Run]:
    before = {path: path.read_bytes() for path in (run.folder / "log",)}
    yield run
    for path, data in before.items():
        path.write_bytes(data)
    for path in run.store.glob("planted*"):
        path.unlink()


def planted(run: Run) -> Found:
    return found(run.scan(run.store, run.folder / "log"))


def test_a_plaintext_vector_in_the_store_is_found(dirty: Run) -> None:
    with closing(sqlite3.connect(dirty.store / "planted.db")) as database:
        database.execute("create table cache (probe text, vector blob)")
        database.execute("insert into cache values ('0', ?)", (FACE.alike(0.2).tobytes(),))
        database.commit()
    assert planted(dirty) == {Kind.VECTOR: {"vector of 128 float32 numbers, squared norm 1"}}


def test_an_image_in_a_log_is_found(dirty: Run) -> None:
    picture = cv2.imencode(".jpg", np.random.default_rng(2).integers(0, 256, (60, 60, 3), np.uint8))[
        1
    ].tobytes()
    with (dirty.folder / "log").open("a") as log:
        log.write(json.dumps({"event": "request", "body": base64.b64encode(picture).decode()}) + "\n")
    assert planted(dirty) == {Kind.IMAGE: {"JPEG"}}


def test_an_old_key_file_is_found(dirty: Run) -> None:
    (dirty.store / "planted-old.key").write_bytes(wrap(dirty.trial.keys.secret, noise(32)))
    assert planted(dirty) == {Kind.KEY: {"age file, which may wrap a key"}}


def test_a_secret_key_in_the_store_is_found(dirty: Run) -> None:
    (dirty.store / "planted.key").write_bytes(dirty.trial.keys.secret.material)
    things = planted(dirty)
    assert things[Kind.KEY] == {"secret key of SEAL"}
    assert "secret key, plain" in things[Kind.CANARY]


def test_a_canary_in_a_log_is_found(dirty: Run) -> None:
    with (dirty.folder / "log").open("a") as log:
        log.write(json.dumps({"event": "request", "detail": repr(FACE.embedding.tobytes())}) + "\n")
    assert names_canary(planted(dirty))


def test_a_camera_key_in_the_store_is_found(dirty: Run) -> None:
    FORCE.write_camera(dirty.store / "planted.pem")
    assert Kind.KEY in planted(dirty)


# How often something is found where nothing is.


def vectors(scan: Scan) -> int:
    return sum(each.count for each in scan.findings.of(is_wrong=True) if each.kind is Kind.VECTOR)


@pytest.mark.parametrize("form", ["random", "words of 48 bits", "uniform", "normal", "small normal"])
def test_random_data_has_no_findings(form: str, rng: np.random.Generator) -> None:
    count = 4 << 20
    made: dict[str, Callable[[], bytes]] = {
        "random": lambda: rng.bytes(8 * count),
        "words of 48 bits": lambda: rng.integers(0, 1 << 48, count).tobytes(),
        "uniform": lambda: rng.random(count).tobytes(),
        "normal": lambda: rng.normal(size=count).tobytes(),
        "small normal": lambda: (rng.normal(size=count) / np.sqrt(128)).astype(np.float32).tobytes(),
    }
    (scan := Scan(FACE.sought)).data(form, made[form]())
    assert found(scan) == {}


def test_a_database_and_ciphertexts_have_no_findings(sealed_trial: Trial, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "test.db")) as database:
        database.execute("create table kept (id integer primary key, at real, name text, data blob)")
        rows = (
            (at / 7, f"row {at}", blob) for at, blob in enumerate(chain.from_iterable(sealed_trial.blocks))
        )
        database.executemany("insert into kept (at, name, data) values (?, ?, ?)", rows)
        database.executemany(
            "insert into kept (at, name) values (?, ?)", ((at**0.5, f"{at:x}") for at in range(50_000))
        )
        database.commit()
    scan = Scan(FACE.sought)
    scan.path(tmp_path)
    assert found(scan) == {}


def test_programs_of_a_system_have_few_vectors() -> None:
    """On 7.9 GB of programs, libraries and archives there were 57; here is only a part of them, to be quick."""
    scan, size = Scan(Sought()), 0
    for path in sorted(Path("/usr/bin").iterdir()):
        if size < 100_000_000 and path.is_file() and not path.is_symlink():
            scan.path(path)
            size += path.stat().st_size
    assert vectors(scan) <= 5
