"""A deployment for `live`: keys, a long list, a match server as a process of its own, and what its roles need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from rich.progress import Progress

from blindwatch.bench.crowd import SIMILARITY, Crowd, Looked
from blindwatch.bench.onlooking import OPERATOR, Page, console
from blindwatch.bench.walking import Place
from blindwatch.custodian import enrolling
from blindwatch.custodian.building import PACKAGE
from blindwatch.custodian.entries import Entry
from blindwatch.custodian.viewing import View
from blindwatch.custodian.volunteers import Volunteers
from blindwatch.demo import approval, roles
from blindwatch.policy.profile import profile
from blindwatch.statements.package import Priority
from blindwatch.statements.signing import Identity
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry

PRESET: Final = "reveal-128"
DEPLOYMENT: Final = "bench"
CAMERA: Final = "gate"
_SHARES: Final = 2
_NOBODY: Final = Path("nobody.jpg")


class Stage:
    """A private folder with a part for each role."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._consoles = 0
        self._address = ""
        self._register = folder / approval.REGISTER

    @contextmanager
    def opened(self, crowd: Crowd) -> Iterator[Stage]:
        """Hold the ceremony, enrol the list, and have it served for as long as it is needed."""
        digests = {name: roles.make_token(self._token(name)) for name in ("custodian", OPERATOR)}
        approval.make_people(self._folder)
        roles.run(
            *("custodian", "ceremony", "--out", self._keys, "--preset", PRESET),
            *("--profile", approval.PROFILE, "--share-files", self._folder / "shares"),
        )
        self._enrol(crowd.listed)
        identity = roles.make_camera(self.camera.identity, CAMERA)
        with roles.server(self._folder, digests, self._register) as address:
            self._address = address
            manifest = approval.approve(self._folder, self._keys, self._watchlist, (identity,))
            roles.run(
                *("custodian", "upload", "--keys", self._keys, "--watchlist", self._watchlist),
                *("--manifest", manifest, "--server", address, "--token-file", self._token("custodian")),
            )
            yield self

    @property
    def camera(self) -> Place:
        """What the camera is given."""
        return Place(
            key=self._keys / "encryption.key",
            identity=self._folder / "camera.pem",
            manifest=self._folder / approval.MANIFEST,
            register=self._register,
            server=self._address,
        )

    def console(self) -> AbstractContextManager[Page]:
        """An operator's console with nothing on it."""
        self._consoles += 1
        given: dict[str, str | Path] = {
            "keys": self._keys,
            "entries": self._watchlist / PACKAGE,
            "register": self._register,
            "server": self._address,
            "deployment": DEPLOYMENT,
            "token-file": self._token(OPERATOR),
            "identity": self._folder / f"{OPERATOR}.pem",
        }
        shares = sorted((self._folder / "shares").iterdir())[:_SHARES]
        return console(self._folder / f"console-{self._consoles}", given, shares)

    def _enrol(self, listed: Sequence[Looked]) -> None:
        """Enrol by embeddings: most entries have no photograph."""
        rules, models = profile(approval.PROFILE), FacePipeline.named(Registry.load())
        terms = enrolling.terms(self._keys, DEPLOYMENT, rules, models, SIMILARITY, "custodian")
        category = rules.categories[0].name
        views = [_view(number, each, category) for number, each in enumerate(listed)]
        signer = Identity.from_pem((self._folder / "custodian.pem").read_bytes())
        nobody = Volunteers([], models.operating_point)
        enrolling.write(self._watchlist, terms, views, nobody, signer, Progress(disable=True))

    def _token(self, role: str) -> Path:
        return self._folder / f"{role}.token"

    @property
    def _keys(self) -> Path:
        return self._folder / "keys"

    @property
    def _watchlist(self) -> Path:
        return self._folder / "watchlist"


def _view(number: int, looked: Looked, category: str) -> View:
    name = f"{number:05}"
    return View(_entry(name, category), "", looked.quality, looked.embedding, looked.portrait)


def _entry(name: str, category: str) -> Entry:
    """An entry under a number."""
    return Entry(
        row=name,
        image=_NOBODY,
        name=name,
        nominal_ref=name,
        category=category,
        priority=Priority.GREEN,
        instruction=None,
        source_system=None,
        source_ref=None,
        legal_basis=None,
        image_date=None,
        justification=None,
        date_of_birth=None,
        sensitive=False,
        known_relative=None,
        second_approver=None,
        second_reason=None,
        quality_override=None,
        filled_in=(),
    )
