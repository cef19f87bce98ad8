"""Computing drawn results again, from public keys and ciphertexts alone, and comparing them bit for bit.

The only module of an oversight body that needs the engine; it is loaded when replay is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from blindwatch.errors import BlindwatchError, StatementMismatch
from blindwatch.he.answering import Question, answer
from blindwatch.he.keys import EvaluationBundle
from blindwatch.he.labels import handle
from blindwatch.he.matching import Block, Matcher
from blindwatch.he.presets import preset
from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case, Version
from blindwatch.oversight.checks.course import Event
from blindwatch.oversight.checks.findings import Findings, Unchecked
from blindwatch.oversight.checks.kept import check_probe
from blindwatch.oversight.checks.results import loaded_during
from blindwatch.records import replaying
from blindwatch.records.server import DeploymentAccepted, ResultReleased
from blindwatch.statements.predicates import DeploymentManifest, Tombstone, Watchlist
from blindwatch.wire.messages import Probe, Result

Progress = Callable[[int, int], None]
"""Is told how many results were computed, and how many there are."""


@dataclass(frozen=True)
class Loaded:
    """A list under one threshold, ready to be compared with."""

    deployment: str
    handle: str
    digest: str
    matcher: Matcher
    blocks: Sequence[Block]

    @classmethod
    def of(cls, bundle: Bundle, manifest: DeploymentManifest, listed: Watchlist, secret: bytes) -> Loaded:
        """The list of a manifest; raises what is wrong with the ciphertexts or the keys."""
        keys = EvaluationBundle.from_bytes(bundle.keys(manifest.bundle_digest), preset(manifest.preset))
        if keys.key_id != manifest.key_id:
            raise StatementMismatch("The public keys are of another key than the manifest's.")
        gate, digest = manifest.thresholds.gate, manifest.watchlist.digest
        matcher = Matcher(keys, gate, secret)
        blocks = [matcher.load_block(map(bundle.blob, block), len(block)) for block in listed.blocks]
        return cls(manifest.deployment, handle(digest, gate), digest, matcher, blocks)

    def result(self, probe: Probe, tombstone: int, removed: frozenset[int]) -> Result:
        """What the server has to answer to a probe, without the time that it took."""
        asked = Question(self.deployment, probe.camera, probe.probe_id, probe.ciphertext, probe.crop)
        answered = answer(self.matcher, self.blocks, self.handle, asked, removed)
        return Result(
            probe_id=probe.probe_id,
            camera=probe.camera,
            captured_at=probe.captured_at,
            watchlist=self.digest,
            releases=answered.releases,
            crop=answered.crop,
            tombstone=tombstone,
            elapsed_ms=0,
        )


class Replay:
    """A check: computes every kept probe of a bundle again."""

    def __init__(self, progress: Progress = lambda _done, _all: None) -> None:
        self._progress = progress
        self._loaded: dict[tuple[str, int], Loaded] = {}

    def __call__(self, case: Case, findings: Findings) -> None:
        """Run it."""
        if case.newest.manifest.use != "reveal":
            raise Unchecked("Searches of ranked use are not kept for replay: there are no masks in them.")
        secret = _secret(case)
        kept = list(case.bundle.kept())
        if not kept:
            raise Unchecked("No probes were kept.")
        same = 0
        for done, (name, held) in enumerate(kept):
            self._progress(done, len(kept))
            try:
                probe = check_probe(case, name, held)
                same += self._is_same(case, probe, secret, findings)
            except BlindwatchError as error:
                findings.fault(f"Probe {name} cannot be computed again: {error.detail}")
        findings.note(f"{same:,} of {len(kept):,} results came out the same, bit for bit.")

    def _is_same(self, case: Case, probe: Probe, secret: bytes, findings: Findings) -> bool:
        passage = case.course.passages[probe.probe_id]
        if not passage.released:
            findings.fault(f"Probe {probe.probe_id} was kept and has no result.")
            return False
        released = passage.released[0]
        tried = [
            replaying.digest(result) == released.record.result
            for result in self._computed(case, probe, passage.accepted[0], released, secret)
        ]
        if not any(tried):
            findings.fault(
                f"The result of probe {probe.probe_id} (record {released.index}) is not what comes out under any "
                f"version that was in force."
            )
        return any(tried)

    def _computed(
        self,
        case: Case,
        probe: Probe,
        accepted: Event[Any],
        released: Event[ResultReleased],
        secret: bytes,
    ) -> Iterator[Result]:
        """The result under each version that may have been in force: one, unless it changed just then."""
        record = released.record
        removed = _removed(case, record)
        for version in _candidates(case, accepted, released):
            loaded = self._load(case, version, secret)
            yield loaded.result(probe, record.tombstone, removed)

    def _load(self, case: Case, version: Version, secret: bytes) -> Loaded:
        manifest = version.manifest
        place = (manifest.watchlist.digest, manifest.thresholds.gate)
        if place not in self._loaded:
            if version.listed is None:
                raise StatementMismatch("The bundle does not have the list that the result names.")
            self._loaded[place] = Loaded.of(case.bundle, manifest, version.listed.content, secret)
        return self._loaded[place]


def _secret(case: Case) -> bytes:
    """The secret of the masks, if it is the one that the server had committed to."""
    secret, accepted = case.bundle.mask_secret, case.course.last(DeploymentAccepted)
    if secret is None:
        raise Unchecked("The bundle has no secret of the masks, which is given out after the closing.")
    if accepted is None or hashlib.sha256(secret).hexdigest() != accepted.record.mask_commitment:
        raise StatementMismatch("The secret of the masks is not the one that the server had committed to.")
    return secret


def _removed(case: Case, record: ResultReleased) -> frozenset[int]:
    """The entries of which a result releases nothing."""
    if record.tombstone == 0:
        return frozenset()
    for each in case.statements.of(Tombstone):
        if (each.content.sequence, each.content.watchlist_digest) == (record.tombstone, record.watchlist):
            return frozenset(each.content.removed)
    raise StatementMismatch("The bundle does not have the removal that the result names.")


def _candidates(case: Case, accepted: Event[Any], released: Event[ResultReleased]) -> list[Version]:
    """The versions that may have been in force, with the list that the result names."""
    digests = dict.fromkeys(each.record.manifest for each in loaded_during(case, accepted, released))
    found = [version for each in digests if (version := case.version_of(each)) is not None]
    return [each for each in found if each.manifest.watchlist.digest == released.record.watchlist]
