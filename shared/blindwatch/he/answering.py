"""The whole answer to a probe, as it follows from probe, list and mask secret: for a server, and for a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from blindwatch.he.labels import mask_label
from blindwatch.he.matching import Block, Matcher
from blindwatch.wire import crops
from blindwatch.wire.messages import ReleasedBlock


@dataclass(frozen=True)
class Question:
    """What of a probe its answer depends on."""

    deployment: str
    camera: str
    probe_id: str
    ciphertext: bytes = field(repr=False)
    crop: bytes = field(repr=False)
    """The face, sealed to the operator."""


@dataclass(frozen=True)
class Answer:
    """What is released, and the sealed face under a key that is released with it."""

    releases: tuple[ReleasedBlock, ...]
    crop: bytes


def answer(
    matcher: Matcher, blocks: Sequence[Block], handle: str, asked: Question, removed: frozenset[int]
) -> Answer:
    """Compare a probe with blocks of the list that `handle` names; of removed entries nothing is released."""
    label = mask_label(handle, asked.probe_id, asked.ciphertext, asked.crop, removed)
    found = matcher.match(asked.ciphertext, blocks, label, removed)
    bound = crops.bound_to(asked.deployment, asked.camera, asked.probe_id)
    return Answer(
        tuple(ReleasedBlock(ciphertexts=each) for each in found),
        crops.wrap(asked.crop, matcher.key(label), bound),
    )
