"""A sealed face from a camera through a server to the operator: it opens where an entry matches, nowhere else."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from blindwatch.camera.sealing import Sealer
from blindwatch.errors import CropClosed, MalformedMessage, WrongUse
from blindwatch.he.answering import Question, answer
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.matching import Matcher
from blindwatch.he.presets import preset
from blindwatch.he.released import PIECES, opened
from blindwatch.he.templates import Templates
from blindwatch.operator.crops import Crops
from blindwatch.operator.reading import Match, Reader
from blindwatch.secret.crops import Opener, recipient
from blindwatch.secret.keys import Decryptor, KeySet, generate
from blindwatch.vision.image import Image
from blindwatch.vision.portrait import SIDE, encoded
from blindwatch.wire import crops
from blindwatch.wire.messages import Probe, Result

from ..people import CAMERA, a_manifest, a_watchlist
from ..proof.test_uniformity import random_templates
from ..serving import FORCE, ServerProcess, Trial

GATE = 90
PROBES = 3
ENTRIES = 16_384


def picture(seed: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


def sealer(keys: KeySet, deployment: str) -> Sealer:
    listed = a_watchlist(FORCE, deployment=deployment)
    manifest = a_manifest(FORCE, listed, FORCE.watchlist(listed), crop_key=recipient(keys.secret))
    return Sealer(manifest, CAMERA)


# What a camera seals


@pytest.mark.parametrize("face", [picture(1), np.zeros((SIDE, SIDE, 3), np.uint8)], ids=["noise", "black"])
def test_any_face_fits_and_is_a_jpeg(face: Image) -> None:
    data = encoded(face, crops.LONGEST)
    assert len(data) <= crops.LONGEST
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (SIDE, SIDE, 3)


def test_a_manifest_without_the_key_has_no_sealed_faces() -> None:
    listed = a_watchlist(FORCE)
    manifest = a_manifest(FORCE, listed, FORCE.watchlist(listed), use="ranked")
    with pytest.raises(WrongUse):
        Sealer(manifest, CAMERA)


# Under encryption, exhaustively


@dataclass(frozen=True)
class Answered:
    """One probe's answer: what was sealed, and in every entry's slot the pieces as they decrypt, (entries, 8)."""

    image: bytes
    crop: bytes
    bound: bytes
    pieces: np.ndarray
    matches: np.ndarray


@pytest.fixture(scope="module")
def answers(keys: KeySet) -> list[Answered]:
    """Strangers before a full block under SEAL, and one of the list, who is on it three times."""
    rng = np.random.default_rng(17)
    gallery, asked = random_templates(rng, ENTRIES), random_templates(rng, PROBES)
    for place in (5, 9000, 16_000):
        gallery.coarse[place], gallery.fine[place] = gallery.coarse[77], gallery.fine[77]
    known = gallery[77:78]
    encryptor, decryptor = Encryptor(keys.encryption), Decryptor(keys.secret)
    matcher = Matcher(keys.evaluation, GATE, rng.bytes(32))
    (parts,) = [list(each) for each in encryptor.watchlist(gallery)]
    block = matcher.load_block(parts, len(parts))
    sealing = sealer(keys, "gate-4")
    found = []
    for number, probe in enumerate([*(asked[each : each + 1] for each in range(PROBES)), known]):
        name, face = f"{number:032x}", picture(number)
        sealed = sealing.seal(face, name)
        question = Question("gate-4", CAMERA, name, encryptor.probe(probe), sealed)
        answered = answer(matcher, [block], "a list", question, frozenset())
        pieces = opened(block.layout, answered.releases[0].ciphertexts, PIECES, decryptor.slots).T
        matched = gallery.scores(probe)[0] >= GATE
        image = encoded(face, crops.LONGEST).tobytes()
        bound = crops.bound_to("gate-4", CAMERA, name)
        found.append(Answered(image, answered.crop, bound, pieces, matched))
    return found


def test_no_slot_of_a_non_match_opens_and_every_slot_of_a_match_does(
    answers: list[Answered], keys: KeySet
) -> None:
    """Tried is every slot of every probe: more than 49,000 pairs of a probe and an entry that do not match."""
    opener, opened, closed = Opener(keys.secret), 0, 0
    for each in answers:
        for pieces, is_match in zip(each.pieces.tolist(), each.matches, strict=True):
            try:
                sealed = crops.unwrap(each.crop, crops.from_pieces(pieces), each.bound)
            except CropClosed:
                assert not is_match
                closed += 1
            else:
                assert is_match
                assert opener.open(sealed, each.bound) == each.image
                opened += 1
    assert opened == 4
    assert closed == (PROBES + 1) * ENTRIES - 4 > 10_000


def test_pieces_of_non_matches_are_uniform_and_independent_of_the_key(answers: list[Answered]) -> None:
    values = np.concatenate([each.pieces[~each.matches] for each in answers])
    assert abs(values.mean() / 65536 - 0.5) < 0.005
    assert np.abs(np.corrcoef(values.T) - np.eye(8)).max() < 0.03


# Ten thousand strangers


STRANGERS = 10_000
SHARES = 8
"""Parts of them, so that each core can take its own: threads of one process wait for each other more."""
FEW = 48
"""Entries of the list that they are compared with."""


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", ["insecure-noop-128", "reveal-128"])
def test_of_ten_thousand_strangers_no_slot_opens(name: str, share: int) -> None:
    """Without encryption the masks alone are tried, with the same numbers; with it, what an operator decrypts."""
    chosen, rng = preset(name), np.random.default_rng([STRANGERS, share])
    made, gallery = generate(chosen), random_templates(rng, FEW)
    encryptor, decryptor = Encryptor(made.encryption), Decryptor(made.secret)
    matcher = Matcher(made.evaluation, GATE, rng.bytes(32))
    (parts,) = [list(each) for each in encryptor.watchlist(gallery)]
    block = matcher.load_block(parts, len(parts))
    sealing, face = sealer(made, "gate-4"), picture(1)
    tried = 0
    for number in range(share, STRANGERS, SHARES):
        probe, identifier = random_templates(rng, 1), f"{number:032x}"
        assert (gallery.scores(probe)[0] < GATE).all()
        sealed = sealing.seal(face.copy(), identifier)
        question = Question("gate-4", CAMERA, identifier, encryptor.probe(probe), sealed)
        answered = answer(matcher, [block], "a list", question, frozenset())
        bound = crops.bound_to("gate-4", CAMERA, identifier)
        found = opened(block.layout, answered.releases[0].ciphertexts, PIECES, decryptor.slots)
        for pieces in found[:, :FEW].T.tolist():
            with pytest.raises(CropClosed):
                crops.unwrap(answered.crop, crops.from_pieces(pieces), bound)
            tried += 1
    assert tried == STRANGERS // SHARES * FEW


# Through a server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ExitStack() as stack:
        yield ServerProcess(tmp_path_factory.mktemp("server"), stack)


@pytest.fixture(scope="module")
def sealed_trial() -> Trial:
    return Trial("reveal-128")


@dataclass(frozen=True)
class Way:
    """A deployment with real ciphertexts on a server, and the operator's side of it."""

    trial: Trial
    server: ServerProcess
    deployment: str

    @property
    def reader(self) -> Reader:
        return Reader(self.trial.keys.secret, 160 * self.trial.gate, len(self.trial.templates))

    @property
    def crops(self) -> Crops:
        return Crops(self.deployment, self.reader, Opener(self.trial.keys.secret))

    def probe(self, face: Image, templates: Templates | None = None) -> Probe:
        made = self.trial.probe(0)
        sealed = sealer(self.trial.keys, self.deployment).seal(face, made.probe_id)
        changes: dict[str, object] = {"crop": sealed}
        if templates is not None:
            changes["ciphertext"] = self.trial.encryptor.probe(templates)
        return made.model_copy(update=changes)

    def results(self, *probes: Probe) -> list[Result]:
        """The results of these probes, which alone wait at the server from then on."""
        operator = self.server.client("operator")
        for left in operator.fetch_results(self.deployment).results:
            operator.acknowledge(self.deployment, left.probe_id)
        for each in probes:
            self.server.client("camera").post_probe(self.deployment, each)
        names = [each.probe_id for each in probes]
        found = {each.probe_id: each for each in self.server.results(self.deployment, len(probes)).results}
        results = [found[name] for name in names]
        assert all(isinstance(each, Result) for each in results)
        return results  # type: ignore[return-value]

    def matches(self, result: Result) -> list[Match]:
        return self.reader.matches(result.releases)


@pytest.fixture(scope="module")
def way(server: ServerProcess, sealed_trial: Trial) -> Way:
    key = recipient(sealed_trial.keys.secret)
    return Way(sealed_trial, server, sealed_trial.open(server, crop_key=key))


def test_the_face_of_a_match_opens_to_what_the_camera_sealed(way: Way) -> None:
    face, stranger = picture(1), way.trial.templates[:1]
    opposite = Templates(-stranger.coarse, -stranger.fine)
    known, unknown = way.results(way.probe(face.copy()), way.probe(picture(2), opposite))
    assert way.crops.open(known, way.matches(known)) == encoded(face).tobytes()
    assert way.matches(unknown) == []
    assert way.crops.open(unknown, []) is None
    # Whoever does what the program does not do gets nothing either.
    for entry in range(len(way.trial.templates)):
        with pytest.raises(CropClosed):
            way.crops.open(unknown, [Match(entry, 30_000)])
    assert len({len(each.crop) for each in (known, unknown)}) == 1
    assert known.size == unknown.size > 190_000


def test_what_was_changed_or_swapped_on_the_way_does_not_open(way: Way) -> None:
    first, second = way.results(way.probe(picture(1)), way.probe(picture(2)))
    for changed in (
        {"crop": second.crop},
        {"crop": bytes([first.crop[0] ^ 1]) + first.crop[1:]},
        {"camera": "north"},
        {"probe_id": second.probe_id},
        {"releases": second.releases},
    ):
        with pytest.raises(CropClosed):
            way.crops.open(first.model_copy(update=changed), way.matches(first))
    other = Crops("gate-5", way.reader, Opener(way.trial.keys.secret))
    with pytest.raises(CropClosed):
        other.open(first, way.matches(first))


def test_a_face_that_was_sealed_for_another_probe_does_not_open(way: Way) -> None:
    """A camera that sends one sealed face twice, or somebody who took it from elsewhere."""
    first = way.probe(picture(1))
    second = first.model_copy(update={"probe_id": secrets.token_hex(16)})
    (result,) = way.results(second)
    with pytest.raises(CropClosed):
        way.crops.open(result, way.matches(result))


@pytest.mark.parametrize("length", [0, crops.SEALED - 1, crops.SEALED + 1])
def test_a_server_takes_no_other_length(length: int, way: Way) -> None:
    probe = way.trial.probe(0).model_copy(update={"crop": bytes(length)})
    with pytest.raises(MalformedMessage):
        way.server.client("camera").post_probe(way.deployment, probe)


def test_a_server_keeps_the_wrapped_form_alone(way: Way) -> None:
    sealed = way.probe(picture(1))
    (result,) = way.results(sealed)
    stored = [path.read_bytes() for path in Path(way.server.store).rglob("*") if path.is_file()]
    assert any(result.crop[1000:1064] in each for each in stored)
    assert not any(sealed.crop[1000:1064] in each for each in stored)
