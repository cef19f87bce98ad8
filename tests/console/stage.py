"""A deployment with a real server, a list of four faces and a console, for tests that look at pages."""

from __future__ import annotations

import io
import re
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blindwatch.camera.sealing import Sealer
from blindwatch.console.post import Papers, Post
from blindwatch.console.serving import Service
from blindwatch.custodian import ceremony
from blindwatch.custodian.uploading import Upload
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.integrations.outbox import Outbox
from blindwatch.operator.crops import Crops
from blindwatch.operator.journal import Journal
from blindwatch.operator.reading import Match
from blindwatch.operator.unlocking import Release
from blindwatch.secret import candidates
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import CameraKey, DeploymentManifest
from blindwatch.statements.register import Person, PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import encoded, framed
from blindwatch.vision.quantise import templates
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import Probe, Result, now

from ..client.approved import approve
from ..client.lists import row, write_list
from ..client.photographs import small, write
from ..client.running import SIMILARITY, command, enough, named
from ..crops import CROP
from ..people import CAMERA, CREATOR, camera_key
from ..serving import FORCE, TOKENS, ServerProcess, eventually
from .cases import ANNA, NOTE

LINK = re.compile(r"^(\S+): (http://\S+)$", re.MULTILINE)
SECOND_CAMERA = "gate-2"
_SECOND = Ed25519PrivateKey.generate()
_KEYS = {CAMERA: FORCE.camera, SECOND_CAMERA: _SECOND}
ENTRIES = (
    {"priority": "red", "instruction": "Stop & speak <b>softly</b>: warrant of a court"},
    {"priority": "amber", "instruction": "Ask to come along"},
    {"priority": "green", "instruction": "Note where the person goes", "known_relative": NOTE},
    {"priority": "red", "instruction": "Stop, may carry a knife", "image_date": "2015-02-03"},
)


_MORE = Person("h.ito", PersonRole.OPERATOR, Identity.generate().public)
"""Another operator, in the register that the console has."""


def seen_again(number: int, light: float = 0.85) -> Image:
    """Another picture of one of the hundred small faces, in other light."""
    return np.ascontiguousarray((small(number) * light).astype(np.uint8))


@dataclass(frozen=True)
class Page:
    """A console that runs in this process, and what it said at the terminal."""

    post: Post
    service: Service
    journal: Journal
    said: str

    @property
    def address(self) -> str:
        return self.service.address

    def link(self, operator: str) -> str:
        """A link that was not used yet."""
        return self.service.link(operator)

    @property
    def printed(self) -> dict[str, str]:
        """The links at the terminal."""
        return dict(LINK.findall(self.said))


@dataclass(frozen=True)
class _Watched:
    """What opens the faces of a console, and tells before it does."""

    crops: Crops
    opening: Callable[[], None]

    def open(self, result: Result, matches: Sequence[Match]) -> bytes | None:
        if matches:
            self.opening()
        return self.crops.open(result, matches)


@dataclass
class Stage:
    """The files of everybody, one server, and one deployment."""

    folder: Path
    server: ServerProcess
    pipeline: FacePipeline
    preset: str
    deployment: str = ""
    listed: str = "watchlist"
    """The folder of the list in force."""
    crops: dict[str, bytes] = field(default_factory=dict)
    """What a camera has sealed with each probe."""

    @cached_property
    def key(self) -> EncryptionKey:
        return ceremony.encryption_key(self.folder / "keys")

    @cached_property
    def encryptor(self) -> Encryptor:
        return Encryptor(self.key)

    def prepare(self) -> None:
        """Hold the ceremony and enrol the list, with two volunteers who are not on it."""
        FORCE.write_register(self.folder / "register.toml")
        for name in (CREATOR, ANNA):
            FORCE.write_identity(name, self.folder / f"{name}.pem")
        rows = [row(number, category="test-subject", **each) for number, each in enumerate(ENTRIES)]
        for number in range(len(ENTRIES)):
            write(self.folder / "list" / f"{number}.png", small(number))
        write_list(self.folder / "list", *rows)
        for number in (50, 60):
            write(self.folder / "volunteers" / f"{number}.png", small(number))
        shares = self.folder / "shares"
        done = command(
            *("custodian", "ceremony"),
            profile="demo",
            out=self.folder / "keys",
            preset=self.preset,
            share_files=shares,
        )
        assert done == 0
        self._enrol(SIMILARITY)
        (self.folder / "operator.token").write_text(TOKENS["operator"])

    def _enrol(self, threshold: float) -> None:
        done = command(
            *("custodian", "enrol"),
            keys=self.folder / "keys",
            list=self.folder / "list",
            checks=self.folder / "volunteers",
            watchlist=self.watchlist,
            threshold=threshold,
            deployment="stage",
            profile="demo",
            identity=self.folder / f"{CREATOR}.pem",
            register=self.folder / "register.toml",
        )
        assert done == 0

    def open(self, **changes: object) -> None:
        """Open a deployment of its own on the list, with two cameras and an empty journal."""
        self.deployment, self.listed = f"stage-{secrets.token_hex(4)}", "watchlist"
        manifest = approve(
            self.folder / "keys",
            self.watchlist,
            self.deployment,
            **{"cameras": self.cameras, "place": "Test hall, north gate", **changes},
        )
        self.manifest = DeploymentManifest.read(Envelope.from_json(manifest.read_bytes()))
        self._upload(manifest)
        Journal.create(self.journal, "e.novak.test/journal")

    @property
    def cameras(self) -> tuple[CameraKey, ...]:
        return tuple(camera_key(name, key) for name, key in _KEYS.items())

    @property
    def journal(self) -> Path:
        return self.folder / f"journal-{self.deployment}"

    @property
    def watchlist(self) -> Path:
        return self.folder / self.listed

    def renew(self, version: int = 2, threshold: float | None = None) -> None:
        """Put a later version into force, on the same list, or on one of the same people by another threshold."""
        if threshold is not None:
            self.listed = f"watchlist-by-{threshold}"
            if not self.watchlist.exists():
                self._enrol(threshold)
        manifest = approve(
            self.folder / "keys",
            self.watchlist,
            self.deployment,
            cameras=self.cameras,
            version=version,
            change_reason="Another place",
            place="Test hall, south gate",
        )
        self._upload(manifest)

    def _upload(self, manifest: Path) -> None:
        custodian = self.server.client("custodian")
        for _ in Upload(custodian, manifest, self.folder / "keys", self.watchlist).send():
            pass

    def recorded(self, page: Page) -> list[tuple[str, str, str | None]]:
        """What the journal of a console has of decisions, in its order."""
        courses = page.journal.courses().values()
        return [(each.outcome, each.operator, each.second) for course in courses for each in course.decided]

    def see(
        self,
        picture: Image,
        camera: str = CAMERA,
        sealed: Image | None = None,
        closed: bool = False,
    ) -> str:
        """Send the face of a picture, with another one sealed if it is given, or with what nobody can open."""
        face, probe_id = self.pipeline.faces(picture)[0], secrets.token_hex(16)
        shown = framed(picture if sealed is None else sealed, face.landmarks)
        self.crops[probe_id] = encoded(shown).tobytes()
        sealer = Sealer(self.manifest, camera)
        probe = Probe(
            probe_id=probe_id,
            camera=camera,
            preset=self.preset,
            key_id=self.key.key_id,
            model_digest=self.pipeline.model_digest,
            captured_at=now(),
            ciphertext=self.encryptor.probe(templates([face.embedding], self.key.preset)),
            crop=CROP if closed else sealer.seal(shown, probe_id),
        )
        with ServerClient(self.server.address, Signing(_KEYS[camera]), 20) as client:
            client.post_probe(self.deployment, probe)
        return probe_id

    def walk(
        self,
        page: Page,
        number: int = 0,
        camera: str = CAMERA,
        sealed: Image | None = None,
        closed: bool = False,
    ) -> str:
        """Have somebody of the list walk past, and wait until the operator's side has dealt with it."""

        def faces() -> int:
            with page.post.duty.desk():
                return page.post.duty.signals.faces

        before = faces()
        identifier = self.see(seen_again(number), camera, sealed, closed)
        eventually(lambda: faces() > before)
        return identifier

    def train(self, *names: str, days: int = 30) -> Path:
        """A file that says that these were trained so many days ago."""
        path = self.folder / f"training-{secrets.token_hex(4)}.toml"
        day = (datetime.now(UTC) - timedelta(days=days)).date()
        path.write_text("[trained]\n" + "".join(f'"{name}" = {day}\n' for name in names))
        return path

    def program(self, folder: Path, **more: object) -> list[str]:
        """`blindwatch operator console` for a process of its own, which writes a file `ready` into the folder."""
        FORCE.write_register(folder / "register.toml")
        options = {
            "keys": self.folder / "keys",
            "entries": self.watchlist / "operator.json",
            "register": folder / "register.toml",
            "server": self.server.address,
            "deployment": self.deployment,
            "token-file": self.folder / "operator.token",
            "identity": self.folder / f"{ANNA}.pem",
            "journal": self.journal,
            "training": self.train(ANNA),
            "ready-file": folder / "ready",
            **more,
        }
        words = named(**options, share_file=enough(self.folder / "shares"))
        return [sys.executable, "-m", "blindwatch.cli.main", "operator", "console", *words]

    @contextmanager
    def console(
        self,
        *others: str,
        training: Path | None = None,
        check_minutes: float = 0,
        hours: float = 1,
        server: str = "",
        opening: Callable[[], None] = lambda: None,
        outbox: Outbox | None = None,
    ) -> Iterator[Page]:
        """A console in this process; `opening` is called before what was sealed with a match is opened."""
        papers = Papers(
            package=OperatorPackage.load(self.watchlist / "operator.json"),
            faces=self.watchlist / candidates.FILE,
            register=Register([*FORCE.register.people, _MORE]),
            identity=self.folder / f"{ANNA}.pem",
            training=training or self.train(ANNA, *others),
            journal=self.journal,
            outbox=outbox or Outbox(),
        )
        release = Release(self.folder / "keys", hours, None, enough(self.folder / "shares"))
        ready, said = self.folder / f"ready-{secrets.token_hex(4)}", io.StringIO()
        with ExitStack() as stack:
            client, at_once = (
                stack.enter_context(ServerClient(server or self.server.address, TOKENS["operator"], timeout))
                for timeout in (20, 1.5)
            )
            post = Post.open(
                stack, papers, release, (client, at_once), self.deployment, others, check_minutes
            )
            crops: Any = _Watched(post.source.crops, opening)
            post = replace(post, source=replace(post.source, crops=crops))
            service = Service(post, 0)
            thread = threading.Thread(target=service.run, args=(ready,))
            with redirect_stdout(said):
                thread.start()
                eventually(ready.exists)
            try:
                yield Page(post, service, post.duty._notes.journal, said.getvalue())
            finally:
                service.close()
                thread.join(10)
                post.duty.abandon()
