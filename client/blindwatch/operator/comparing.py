"""One person and one entry of the list, compared at the operator's own machine: one bit, and no part for a server.

Why is in the journal before the entry's face is opened and the photograph is taken, and the bit before it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Final

from blindwatch.camera.forgetting import scrub
from blindwatch.errors import ConfigurationError, DeploymentStopped, ModelMismatch, PolicyViolation
from blindwatch.he.verdicts import Integers, VerdictEngine, Verdicts
from blindwatch.operator.checks import Grounds
from blindwatch.operator.fetching import Approved
from blindwatch.operator.journal import Journal
from blindwatch.operator.removals import Removals
from blindwatch.operator.taking import Taken
from blindwatch.opinion.faces import Templater
from blindwatch.records.operator import Answer, Compared, ComparisonAnswered, EngineName
from blindwatch.records.record import minute
from blindwatch.secret import candidates
from blindwatch.secret.candidates import Portrait
from blindwatch.statements import trust
from blindwatch.statements.package import OperatorPackage, PackageEntry
from blindwatch.verification.engines import Engine
from blindwatch.vision import image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import detection
from blindwatch.wire.client import ServerClient

_NAMES: Final[dict[Engine, EngineName]] = {Engine.BFV: "bfv", Engine.TFHE: "tfhe"}


@dataclass(frozen=True)
class Named:
    """The entry that somebody is believed to be, and its place in the list."""

    number: int
    entry: PackageEntry

    @classmethod
    def find(cls, package: OperatorPackage, reference: str) -> Named:
        """The entry of a reference; raises ConfigurationError."""
        for number, entry in enumerate(package.entries):
            if entry.reference == reference:
                return cls(number, entry)
        raise ConfigurationError(
            "The list has no entry of this reference.", "It has eight letters and digits."
        )

    def check_listed(self, removals: Removals) -> None:
        """Refuse an entry that was removed from the list, by what the server has now; raises PolicyViolation."""
        removals.refresh()
        if self.number in removals.newest[1]:
            raise PolicyViolation(
                "The entry was removed from the list, so that nobody is compared with it.",
                "Ask a custodian why it was removed.",
            )


class Comparison:
    """One comparison, from its record in the journal to the record of its answer."""

    def __init__(
        self, journal: Journal, deployment: str, grounds: Grounds, engine: Engine, named: Named
    ) -> None:
        self.identifier = token_hex(16)
        self._journal = journal
        self._deployment = deployment
        self._grounds = grounds
        self._engine = engine
        self._named = named
        self._answer: Answer = "unanswered"

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Record the comparison, and whatever happens then, what it gave."""
        self._journal.note(self._asked())
        try:
            yield
        finally:
            answered = ComparisonAnswered(
                at=minute(), deployment=self._deployment, comparison=self.identifier, answer=self._answer
            )
            self._journal.note(answered)

    def conclude(self, verdicts: Verdicts) -> None:
        """Take the one verdict as the answer."""
        (match,) = verdicts.matches
        self._answer = "match" if match else "no-match"

    def _asked(self) -> Compared:
        return Compared(
            at=minute(),
            deployment=self._deployment,
            comparison=self.identifier,
            operator=self._grounds.operator,
            engine=_NAMES[self._engine],
            place=self._grounds.place,
            reason=self._grounds.reason,
            harm=self._grounds.harm,
            entry=self._journal.commit(self.identifier, [self._named.entry.reference]),
        )


def faces_of(package: OperatorPackage, entries: Path, faces: Path | None) -> tuple[Path, str]:
    """The file of faces and its digest, by the package in the file `entries`; raises ConfigurationError."""
    path = faces or entries.with_name(candidates.FILE)
    if package.candidates is None or not path.is_file():
        raise ConfigurationError(
            "The faces of the list are not here, so that nobody can be compared with one.",
            f"Put {candidates.FILE}, which was written with operator.json, beside it, or name it by --faces.",
        )
    return path, package.candidates


def check_running(client: ServerClient, approved: Approved, model_digest: str) -> None:
    """Refuse a deployment outside its window, one that was stopped, and another model than the list's."""
    manifest = approved.manifest
    trust.check_open(manifest, datetime.now(UTC))
    if client.get_deployment(manifest.deployment).stopped:
        raise DeploymentStopped("An operator has stopped the deployment.")
    if manifest.model_digest != model_digest:
        raise ModelMismatch("The list was made with another model than this program's.")


def listed(portrait: Portrait, models: FacePipeline, templates: Templater) -> Integers:
    """The template (d,) of an entry's face, as it was sent to operators; its pixels and embedding are overwritten."""
    pixels = image.decode(portrait.image)
    face = models.describe(pixels, detection())
    try:
        return templates.of(face.embedding)
    finally:
        for plain in (pixels, face.crop, face.embedding):
            plain.fill(0)
        scrub(models.dimension)


def decide(
    taken: Taken, entry: Integers, threshold: int, templates: Templater, engine: VerdictEngine
) -> Verdicts:
    """The verdict on a face, which is gone from memory before anything is compared, and an entry (d,).

    Both templates are overwritten once there is a verdict.
    """
    try:
        probe = templates.of(taken.view.embedding)
    finally:
        taken.view.wipe()
        scrub(len(entry))
    try:
        return engine.verdicts(probe, entry[None], threshold)
    finally:
        probe.fill(0)
        entry.fill(0)
        scrub(len(entry))
