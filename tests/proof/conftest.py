"""One deployment on photographs, run once: 500 people enrolled, 300 passers-by, half of them enrolled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from blindwatch.camera.camera import Camera
from blindwatch.camera.mandate import Mandate
from blindwatch.custodian import ceremony
from blindwatch.custodian.uploading import Upload
from blindwatch.demo import roles
from blindwatch.demo.approval import LOG_POLICY
from blindwatch.errors import NoFace
from blindwatch.he.presets import preset
from blindwatch.he.templates import Templates
from blindwatch.operator.reading import Match, Reader
from blindwatch.secret.keys import KeySet
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Thresholds
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import Result

from ..client.approved import approve, view, write_list
from ..serving import FORCE

ENROLLED, KNOWN, STRANGERS = 500, 150, 150
AT_ONCE = 12
PRESET = preset("reveal-128")
SIMILARITY = (
    0.47  # so that the gate, 8 of 200 below it, lets some pairs pass that the fine score then rejects
)
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Answer:
    """What the operator decrypted for one probe, and what the integers in clear say."""

    person: str
    matches: list[Match]
    indicators: Integers
    values: Integers
    coarse_scores: Integers
    fine_scores: Integers


@dataclass(frozen=True)
class Evidence:
    """A finished run."""

    thresholds: Thresholds
    names: list[str]
    answers: list[Answer]
    known: int


def photographs(lfw: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """First photographs to enrol, second ones of some of these people, and photographs of strangers."""
    errata = {Path(line).stem for line in (lfw.parent / "lfw_errata_images.txt").read_text().split()}
    people = [
        [photo for photo in sorted(folder.glob("*.jpg")) if photo.stem not in errata]
        for folder in sorted(path for path in lfw.iterdir() if path.is_dir())
    ]
    several = [photos for photos in people if len(photos) > 1]
    alone = [photos for photos in people if len(photos) == 1]
    enrolled = several[:ENROLLED]
    return (
        [photos[0] for photos in enrolled],
        [photos[1] for photos in enrolled[::3][:KNOWN]],
        [photos[0] for photos in alone[::7][:STRANGERS]],
    )


@pytest.fixture(scope="session")
def pipeline(faces_dir: Path) -> FacePipeline:
    return FacePipeline.named(Registry.load(faces_dir / "models"), "reference")


def embeddings_of(photo: Path, pipeline: FacePipeline) -> list[Embedding]:
    try:
        return [face.embedding for face in pipeline.faces(photo)]
    except NoFace:
        return []


@dataclass(frozen=True)
class Parties:
    """Everybody in the run, talking to one real server."""

    keys: KeySet
    camera: Camera
    operator: ServerClient
    reader: Reader

    def ask(self, photos: list[Path], gallery: Templates, pipeline: FacePipeline) -> Iterator[Answer]:
        """Send photographs, and read what comes back."""
        sent: dict[str, tuple[Path, Templates]] = {}
        for photo in photos:
            look = self.camera.look(photo)
            assert look.dropped == 0
            for probe, embedding in zip(look.sent, embeddings_of(photo, pipeline), strict=True):
                sent[probe.probe_id] = photo, templates([embedding], PRESET)
        while sent:
            for result in self.operator.fetch_results("proof", 20).results:
                assert isinstance(result, Result)
                photo, template = sent.pop(result.probe_id)
                indicators, values = self.reader.values(result.releases)
                matches = self.reader.matches(result.releases)
                self.operator.acknowledge("proof", result.probe_id)
                yield Answer(photo.parent.name, matches, indicators, values, *gallery.scores(template))


@pytest.fixture(scope="session")
def evidence(
    faces_dir: Path, pipeline: FacePipeline, keys: KeySet, tmp_path_factory: pytest.TempPathFactory
) -> Evidence:
    folder = tmp_path_factory.mktemp("proof")
    first, known, strangers = photographs(faces_dir / "lfw")
    found = [(photo, embeddings_of(photo, pipeline)) for photo in first]
    enrolled = [(photo.parent.name, each[0]) for photo, each in found if each]
    names, gallery = [name for name, _ in enrolled], templates([each for _, each in enrolled], PRESET)
    chosen = PRESET.thresholds(SIMILARITY)
    thresholds = Thresholds(similarity=SIMILARITY, gate=chosen.gate, fine=chosen.fine)
    views = [view(name) for name in names]
    write_list(folder / "watchlist", keys.encryption, pipeline.model_digest, thresholds, views, gallery)
    ceremony.write(keys, bytes(32), folder / "keys")
    register = FORCE.write_register(folder / "register.toml")
    tokens = {role: folder / f"{role}.token" for role in ("custodian", "operator")}
    digests = {role: roles.make_token(file) for role, file in tokens.items()}
    with roles.server(folder, digests, register) as address:
        custodian, operator = (
            ServerClient(address, tokens[role].read_text().strip(), timeout=120) for role in tokens
        )
        camera = ServerClient(address, Signing(FORCE.camera), timeout=120)
        policy = (folder / LOG_POLICY).read_text()
        manifest = approve(folder / "keys", folder / "watchlist", "proof", log_policy=policy)
        approved = Envelope.from_json(manifest.read_bytes())
        mandate = Mandate.verified(approved, FORCE.register, FORCE.camera.public_key())
        list(Upload(custodian, manifest, folder / "keys", folder / "watchlist").send())
        parties = Parties(
            keys,
            Camera(mandate, keys.encryption, pipeline, camera),
            operator,
            Reader(keys.secret, thresholds.fine, len(names)),
        )
        photos = known + strangers
        answers = [
            answer
            for at in range(0, len(photos), AT_ONCE)
            for answer in parties.ask(photos[at : at + AT_ONCE], gallery, pipeline)
        ]
        for client in (custodian, camera, operator):
            client.close()
    return Evidence(thresholds, names, answers, len(known))
