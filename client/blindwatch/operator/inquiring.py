"""A ranked search as an operator makes it: why first, in the journal, and then the photograph, which is not kept."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

from blindwatch.camera.forgetting import scrub
from blindwatch.cli import files
from blindwatch.errors import BlindwatchError, ConfigurationError, ModelMismatch, WrongUse
from blindwatch.he.ranked.keys import RankKey
from blindwatch.operator import unlocking
from blindwatch.operator.fetching import Approved, check_deployment
from blindwatch.operator.journal import Journal
from blindwatch.operator.papers import Papers
from blindwatch.operator.removals import Removals
from blindwatch.operator.searching import Candidate, Integers, Searcher
from blindwatch.operator.unlocking import Release
from blindwatch.records.operator import Searched, SearchFailed
from blindwatch.records.record import minute
from blindwatch.secret.candidates import Album
from blindwatch.secret.ranked import RankSecret
from blindwatch.secret.wrapping import unwrap_ranked
from blindwatch.statements.predicates import Window
from blindwatch.vision.image import load
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import portrait
from blindwatch.vision.quantise import quantise
from blindwatch.wire.client import ServerClient


@dataclass(frozen=True)
class Ranked:
    """What a search came to: the face that was searched for, as JPEG, and the entries most alike, best first."""

    face: bytes = field(repr=False)
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Inquirer:
    """Searches one gallery for one operator, by the released key; for one thread at a time."""

    approved: Approved
    operator: str
    window: Window
    squared_norm: int
    """The score of a face with itself."""
    album: Album | None
    """The gallery's faces, if they are to be looked at."""
    _journal: Journal
    _models: FacePipeline
    _searcher: Searcher

    @classmethod
    def open(
        cls,
        held: ExitStack,
        papers: Papers,
        release: Release,
        journal: Journal,
        client: ServerClient,
        deployment: str,
        models: FacePipeline,
    ) -> Self:
        """Check the deployment and have the key released; what `held` closes lets go of it, and records that."""
        package, operator = papers.package, papers.operator
        approved = check_deployment(client, deployment, package, papers.register)
        if approved.manifest.use != "ranked":
            raise WrongUse("The deployment reveals matches only, so it cannot be searched.")
        key = RankKey.from_bytes(files.read(release.keys / "encryption.key", "encryption key"))
        if approved.manifest.model_digest != models.model_digest:
            raise ModelMismatch("The gallery was made with another model than the operator's.")
        secret = unlocking.released(
            approved, package, release, papers.register, papers.identity, unwrap_ranked
        )
        window = _window(secret)
        held.enter_context(journal.holding(deployment, operator, window))
        removals = Removals(client, approved.manifest, papers.register, papers.removal)
        searcher = Searcher(client, approved.manifest, removals, approved.gate, secret, key)
        held.callback(searcher.forget)
        album = papers.album(secret)
        if album is not None:
            held.callback(album.forget)
        norm = secret.preset.squared_norm
        return cls(approved, operator, window, norm, album, journal, models, searcher)

    def search(self, searched: Searched, photograph: bytes, count: int, seconds: float) -> Ranked:
        """The best `count` entries for the most central face of a photograph, if they come within `seconds`.

        What is searched for, and why, is in the journal before anything is sent; that it failed as well, if it does.
        Raises ImageError before that, and what `Searcher.rank` raises.
        """
        face, template = self._seen(photograph)
        self._journal.note(searched)
        try:
            candidates = self._searcher.rank(template, count, seconds, searched.search)
        except BlindwatchError as error:
            self._journal.note(_failure(searched, error))
            raise
        finally:
            scrub(self._models.dimension)
        return Ranked(face, tuple(candidates))

    def _seen(self, photograph: bytes) -> tuple[bytes, Integers]:
        """The most central face of a photograph, as JPEG, and its template (d,); raises ImageError."""
        image = load(photograph)
        found = self._models.faces(image)[0]
        return portrait(image, found.landmarks), quantise(found.embedding, self.squared_norm)


def _failure(searched: Searched, error: BlindwatchError) -> SearchFailed:
    return SearchFailed(
        at=minute(),
        deployment=searched.deployment,
        search=searched.search,
        operator=searched.operator,
        problem=error.problem.urn,
    )


def _window(secret: RankSecret) -> Window:
    if secret.window is None:
        raise ConfigurationError("A search needs a key that was released for a time.")
    return secret.window
