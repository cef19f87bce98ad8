"""A custodian's folders, made by the real commands, and servers to use them with."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from blindwatch.camera.mandate import Mandate
from blindwatch.custodian import ceremony
from blindwatch.custodian.uploading import Upload
from blindwatch.he.keys import EncryptionKey
from blindwatch.operator.reading import Reader
from blindwatch.secret.keys import SecretKey, generate
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import VARIABLE, Registry

from ..people import CREATOR
from ..serving import FORCE, TOKENS, ServerProcess
from .approved import approve
from .photographs import PEOPLE, small, write
from .posts import NAMES, PRESET, THRESHOLD, Post, opened, posted
from .running import NOOP, SIMILARITY, command, enough


@pytest.fixture(autouse=True)
def _no_models_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever models the user of this machine has must not change what the tests see."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _wide_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@dataclass(frozen=True)
class Scene:
    """Keys and an encrypted watchlist of four people under the preset that encrypts nothing."""

    folder: Path

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def watchlist(self) -> Path:
        return self.folder / "watchlist"

    @property
    def entries(self) -> Path:
        return self.watchlist / "operator.json"

    @cached_property
    def names(self) -> list[str]:
        """Who the entries are, in their order."""
        kept = json.loads((self.watchlist / "names.json").read_text())
        return [kept[entry.reference]["name"] for entry in OperatorPackage.load(self.entries).entries]

    @property
    def shares(self) -> list[Path]:
        """Enough of them."""
        return enough(self.folder / "shares")

    @property
    def custodian(self) -> dict[str, object]:
        """Who enrols, for what deployment, by which rules."""
        return {
            "deployment": "scene",
            "profile": FORCE.profile.name,
            "identity": self.folder / "identity.pem",
            "register": self.folder / "register.toml",
        }

    def token(self, role: str) -> Path:
        return self.folder / f"{role}.token"

    @cached_property
    def key(self) -> EncryptionKey:
        return ceremony.encryption_key(self.keys)

    @cached_property
    def secret(self) -> SecretKey:
        master = combine([path.read_text().strip() for path in self.shares])
        return unwrap((self.keys / FILE).read_bytes(), master)

    @cached_property
    def reader(self) -> Reader:
        lowest = round(SIMILARITY * self.secret.preset.fine_squared_norm)
        return Reader(self.secret, lowest, len(PEOPLE))

    def open(self, server: ServerProcess, **changes: object) -> str:
        """Upload the watchlist as a deployment of its own."""
        name = self.approve(**changes)
        upload = Upload(server.client("custodian"), self.manifest(name), self.keys, self.watchlist)
        for _ in upload.send():
            pass
        return name

    def approve(self, **changes: object) -> str:
        """Have a deployment of its own approved, and leave it at that."""
        name = f"scene-{secrets.token_hex(4)}"
        approve(self.keys, self.watchlist, name, **changes)
        return name

    def manifest(self, name: str) -> Path:
        """The manifest of a deployment, as it was approved."""
        return self.folder / f"{name}.dsse.json"

    def camera(self, name: str) -> dict[str, object]:
        """The files with which a camera works for a deployment."""
        return {
            "keys": self.keys / "encryption.key",
            "identity": self.folder / "camera.pem",
            "manifest": self.manifest(name),
            "register": self.folder / "register.toml",
        }

    def mandate(self, name: str) -> Mandate:
        """What the camera may do in a deployment."""
        approved = Envelope.from_json(self.manifest(name).read_bytes())
        return Mandate.verified(approved, FORCE.register, FORCE.camera.public_key())


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    made = Scene(tmp_path_factory.mktemp("scene"))
    FORCE.write_register(made.folder / "register.toml")
    FORCE.write_identity(CREATOR, made.folder / "identity.pem")
    FORCE.write_camera(made.folder / "camera.pem")
    for role, token in TOKENS.items():
        made.token(role).write_text(token)
    for number, person in enumerate(PEOPLE):
        write(made.folder / "list" / person / "1.png", small(number))
    done = command(
        *("custodian", "ceremony"),
        profile="demo",
        out=made.keys,
        preset=NOOP,
        share_files=made.folder / "shares",
    )
    assert done == 0
    done = command(
        *("custodian", "enrol"),
        keys=made.keys,
        faces=made.folder / "list",
        watchlist=made.watchlist,
        threshold=SIMILARITY,
        **made.custodian,
    )
    assert done == 0
    return made


@pytest.fixture(scope="session")
def pipeline() -> FacePipeline:
    """The pipeline that works with nothing but the package."""
    return FacePipeline.named(Registry.load(Path("a directory that does not exist")))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server that tests share which leave it as it was."""
    with ExitStack() as stack:
        yield ServerProcess(tmp_path_factory.mktemp("server"), stack)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts a server for one test."""
    with ExitStack() as stack:
        folder = tmp_path / "server"
        folder.mkdir()
        yield lambda *options, **settings: ServerProcess(folder, stack, *options, **settings)


@pytest.fixture(scope="session")
def first_post(tmp_path_factory: pytest.TempPathFactory, server: ServerProcess) -> Post:
    return posted(tmp_path_factory.mktemp("post"), server, generate(PRESET))


@pytest.fixture
def post(first_post: Post) -> Post:
    return opened(first_post)


@pytest.fixture
def reader() -> Reader:
    return Reader(generate(PRESET).secret, THRESHOLD, len(NAMES))
