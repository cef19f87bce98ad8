"""Everything that a console needs, opened: papers that were checked, a key that was released, a journal, a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from blindwatch.cli import files
from blindwatch.console.announcing import Announcer
from blindwatch.console.assignment import Assignment
from blindwatch.console.bands import Scale
from blindwatch.console.drills import Drills
from blindwatch.console.duty import Duty, Key
from blindwatch.console.feeding import Source
from blindwatch.console.noting import Notes
from blindwatch.console.raising import Maker
from blindwatch.console.training import Training
from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.errors import ConfigurationError, WrongKey
from blindwatch.integrations.outbox import Outbox
from blindwatch.operator import unlocking
from blindwatch.operator.crops import Crops
from blindwatch.operator.fetching import Approved, check_deployment
from blindwatch.operator.journal import Journal
from blindwatch.operator.reading import Reader
from blindwatch.operator.removals import Removals
from blindwatch.operator.unlocking import Release
from blindwatch.policy.profile import profile
from blindwatch.secret import crops
from blindwatch.secret.candidates import Album
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.wrapping import unwrap
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Window
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.wire.client import ServerClient


@dataclass(frozen=True)
class Papers:
    """The operator's files: the list without names, its faces, the register, signing keys, trainings, a journal.

    Where there are any, a removal from the list, and the operating point that the manifest names.
    """

    package: OperatorPackage
    faces: Path
    register: Register
    identity: Path
    training: Path
    journal: Path
    removal: Envelope | None = None
    point: OperatingPoint | None = None
    outbox: Outbox = field(default_factory=Outbox)
    """Who is told of decisions; nobody by default."""


@dataclass(frozen=True)
class Post:
    """A console that is ready to be served."""

    duty: Duty
    source: Source
    identity: Identity
    at_once: ServerClient
    outbox: Outbox

    @classmethod
    def open(
        cls,
        stack: ExitStack,
        papers: Papers,
        release: Release,
        clients: tuple[ServerClient, ServerClient],
        deployment: str,
        others: Sequence[str],
        check_minutes: float,
    ) -> Self:
        """Check all papers and have the key released; the second client is for what must not wait for results."""
        client, at_once = clients
        signer = Identity.from_pem(files.read(papers.identity, "signing keys"))
        operator = unlocking.operator_of(signer, papers.register)
        operators = _operators(operator, others, papers.register)
        journal = stack.enter_context(Journal(papers.journal))
        approved = check_deployment(client, deployment, papers.package, papers.register)
        trained = Training.load(papers.training, profile(approved.manifest.profile.name).training_days)
        assignment = Assignment.of(
            approved, approved.envelope, papers.register, operators, trained, papers.point
        )
        removals = Removals(client, approved.manifest, papers.register, papers.removal)
        opened = _Opened.of(papers, release, approved)
        announcer = Announcer(deployment, papers.outbox, journal.reference)
        recipient = approved.manifest.evidence_recipient
        entries = papers.package.entries
        allowance = journal.allowance(deployment, entries, assignment.rules.alerts_per_entry)
        notes = Notes(journal, deployment, operator, entries, recipient, announcer, allowance)
        duty = Duty(
            assignment,
            notes,
            Key(opened.window, opened.held(journal, deployment, operator)),
            opened.maker,
            Drills(opened.maker, assignment.cameras, check_minutes),
        )
        manifest = approved.manifest
        notes.started(manifest.version, str(manifest.thresholds.similarity))
        source = Source(
            client, deployment, opened.reader, opened.crops, removals, approved.gate, allowance.within
        )
        return cls(duty, source, signer, at_once, papers.outbox)


@dataclass(frozen=True)
class _Opened:
    """What the released key opens, without the key itself."""

    window: Window
    reader: Reader
    crops: Crops
    maker: Maker

    @classmethod
    def of(cls, papers: Papers, release: Release, approved: Approved) -> Self:
        package = papers.package
        secret = unlocking.released(approved, package, release, papers.register, papers.identity, unwrap)
        if crops.recipient(secret) != approved.manifest.crop_key:
            raise WrongKey(
                "Cameras seal the faces of this deployment to another key than the one that was released."
            )
        reader = Reader(secret, package.fine_threshold, len(package.entries))
        scale = Scale(package.fine_threshold, secret.preset.fine_squared_norm)
        return cls(
            _window(secret),
            reader,
            Crops(approved.manifest.deployment, reader, crops.Opener(secret)),
            Maker(package.entries, scale, _album(papers, secret)),
        )

    def held(self, journal: Journal, deployment: str, operator: str) -> Callable[[], None]:
        """Record that the key was received; what lets go of it, and records that."""
        holding = ExitStack()
        holding.enter_context(journal.holding(deployment, operator, self.window))
        holding.callback(self.reader.forget)
        holding.callback(self.crops.forget)
        if self.maker.album is not None:
            holding.callback(self.maker.album.forget)
        return holding.close


def _operators(first: str, others: Sequence[str], people: Register) -> tuple[str, ...]:
    every = tuple(dict.fromkeys((first, *others)))
    if any(people.person(name).role is not PersonRole.OPERATOR for name in every):
        raise ConfigurationError("Only operators of the register sit at a console.")
    return every


def _window(secret: SecretKey) -> Window:
    if secret.window is None:
        raise ConfigurationError("A console needs a key that was released for a time.")
    return secret.window


def _album(papers: Papers, secret: SecretKey) -> Album | None:
    digest = papers.package.candidates
    return None if digest is None else Album.load(papers.faces, digest, secret)
