"""Checks of one person, as the command and the page make them: one photograph, one answer, by the released key.

Grounds come before the photograph, the record in the journal before the probe, and the answer after all connections
are closed, so that the server cannot tell by the time what was found.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blindwatch.camera.camera import Camera
from blindwatch.camera.mandate import Mandate
from blindwatch.errors import ConfigurationError
from blindwatch.he.keys import EncryptionKey
from blindwatch.operator import unlocking
from blindwatch.operator.checks import Grounds, Inquiry, ask
from blindwatch.operator.fetching import Approved, Reading, check_deployment, read, unproven
from blindwatch.operator.journal import Journal
from blindwatch.operator.papers import Papers
from blindwatch.operator.reading import Reader
from blindwatch.operator.removals import Removals
from blindwatch.operator.taking import Taken
from blindwatch.operator.unlocking import Release
from blindwatch.policy.profile import Profile, profile
from blindwatch.secret.candidates import Album
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.wrapping import unwrap
from blindwatch.statements.predicates import Window
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing


@dataclass(frozen=True)
class Line:
    """How the server is reached: as the operator, by a token, and as the camera, by its key."""

    server: str
    token: str = field(repr=False)
    camera: Ed25519PrivateKey = field(repr=False)
    tls: ssl.SSLContext | None = None

    @contextmanager
    def opened(self) -> Iterator[tuple[ServerClient, ServerClient]]:
        """Connections of the operator and of the camera."""
        with (
            ServerClient(self.server, self.token, tls=self.tls) as client,
            ServerClient(self.server, Signing(self.camera), tls=self.tls) as sender,
        ):
            yield client, sender


@dataclass(frozen=True)
class Standing:
    """A deployment that one operator may check people for, before the key is there."""

    papers: Papers
    operator: str
    line: Line
    approved: Approved
    mandate: Mandate
    removals: Removals

    @classmethod
    def of(cls, papers: Papers, line: Line, deployment: str) -> Self:
        """Check the deployment, and that its manifest lists the camera; raises what says why it is not so."""
        operator = papers.operator
        with line.opened() as (client, _):
            approved = check_deployment(client, deployment, papers.package, papers.register)
            mandate = Mandate.verified(approved.envelope, papers.register, line.camera.public_key())
            mandate.check_time(datetime.now(UTC))
            removals = Removals(client, approved.manifest, papers.register, papers.removal)
        return cls(papers, operator, line, approved, mandate, removals)

    @property
    def rules(self) -> Profile:
        """The policy profile of the deployment."""
        return profile(self.approved.manifest.profile.name)


@dataclass(frozen=True)
class Means:
    """What a face is found, embedded and encrypted with, and for how many seconds an answer is waited for."""

    models: FacePipeline
    key: EncryptionKey
    wait: float


@dataclass(frozen=True)
class Answered:
    """What a check has given, and what is wrong with the photograph that it rests on, in words."""

    reading: Reading
    shortcomings: tuple[str, ...]


@dataclass(frozen=True)
class Examiner:
    """Checks people for one operator, by the released key; one at a time."""

    standing: Standing
    window: Window
    """For which the key was released."""
    highest: int
    """The score of a face with itself."""
    album: Album | None
    """The faces of the list, if they are to be looked at."""
    _means: Means
    _journal: Journal
    _reader: Reader

    @classmethod
    def open(
        cls, held: ExitStack, standing: Standing, release: Release, journal: Journal, means: Means
    ) -> Self:
        """Have the key released; what `held` closes lets go of it, and records that."""
        standing.mandate.check_means(means.key, means.models.model_digest)
        papers, approved = standing.papers, standing.approved
        package = papers.package
        secret = unlocking.released(approved, package, release, papers.register, papers.identity, unwrap)
        window = _window(secret)
        held.enter_context(journal.holding(approved.manifest.deployment, standing.operator, window))
        reader = Reader(secret, package.fine_threshold, len(package.entries))
        held.callback(reader.forget)
        album = papers.album(secret)
        if album is not None:
            held.callback(album.forget)
        return cls(standing, window, secret.preset.fine_squared_norm, album, means, journal, reader)

    def check(self, grounds: Grounds, give: Callable[[FacePipeline], Taken]) -> Answered:
        """The answer for the photograph that `give` gives, which nothing is left of when the probe is sent.

        Raises WrongUse or PolicyViolation before the photograph is asked for, what `give` raises before anything is
        recorded, and what `ask` raises once the check is in the journal, which then has that there was no answer.
        """
        grounds.check(self.standing.rules)
        manifest, removals = self.standing.approved.manifest, self.standing.removals
        inquiry = Inquiry(self._journal, manifest.deployment, grounds, self.standing.mandate.camera)
        with ExitStack() as held:
            with self.standing.line.opened() as (client, sender):
                camera = self._camera(sender, inquiry)
                camera.check_deployment()
                removals.ask(client)
                taken = give(self._means.models)
                held.callback(taken.view.wipe)
                held.enter_context(inquiry.noted())
                result, logged = ask(camera, client, inquiry.identifier, taken, self._means.wait)
                removals.refresh()
            doubt = unproven(self.standing.approved.gate, result, logged)
            reading = read(result, self._reader, removals, doubt)
            inquiry.conclude(reading, self.standing.papers.package.entries, manifest.evidence_recipient)
        return Answered(reading, taken.shortcomings)

    def forget(self) -> None:
        """Let go of the key at once: of a check under way nothing is opened, and it has no answer."""
        self._reader.forget()
        if self.album is not None:
            self.album.forget()

    def _camera(self, sender: ServerClient, inquiry: Inquiry) -> Camera:
        means, name = self._means, inquiry.identifier
        signed = inquiry.authorised_by(self.standing.papers.keys)
        return Camera(
            self.standing.mandate, means.key, means.models, sender, new_name=lambda: name, authorise=signed
        )


def _window(secret: SecretKey) -> Window:
    if secret.window is None:
        raise ConfigurationError("A check needs a key that was released for a time.")
    return secret.window
