"""A custodian's folders, made by the real commands, and servers to use them with."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from blindwatch.cli.main import run
from blindwatch.custodian import ceremony
from blindwatch.custodian.uploading import Upload
from blindwatch.he.keys import EncryptionKey
from blindwatch.operator.reading import Reader
from blindwatch.secret.wrapping import unwrap
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import VARIABLE, Registry

from ..serving import TOKENS, ServerProcess
from .photographs import PEOPLE, small, write

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of keys that are made for one run
SIMILARITY = 0.55
NOOP = "insecure-noop-128"
ERROR = re.compile(r"^Error: [A-Z][^\n]*\.\n(?:Hint: [^\n]+\n)?$", re.MULTILINE)

Command = Callable[..., int]


@pytest.fixture(autouse=True)
def _no_models_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever models the user of this machine has must not change what the tests see."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _wide_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def command(*words: str, **options: object) -> int:
    """Run one command of `blindwatch` in this process."""
    named = [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
    return run([*words, *named])


def only_error(printed: str) -> str:
    """What a command said went wrong: one sentence, and perhaps a hint, and no traceback."""
    assert "Traceback" not in printed
    found = ERROR.findall(printed)
    assert len(found) == 1, printed
    return str(found[0])


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
        return self.watchlist / "entries.json"

    @property
    def passphrase_file(self) -> Path:
        return self.folder / "passphrase"

    def token(self, role: str) -> Path:
        return self.folder / f"{role}.token"

    @cached_property
    def key(self) -> EncryptionKey:
        return ceremony.encryption_key(self.keys)

    @cached_property
    def reader(self) -> Reader:
        secret = unwrap((self.keys / ceremony.SECRET).read_bytes(), PASSPHRASE)
        return Reader(secret, round(SIMILARITY * secret.preset.fine_squared_norm), len(PEOPLE))

    def open(self, server: ServerProcess) -> str:
        """Upload the watchlist as a deployment of its own."""
        name = f"scene-{secrets.token_hex(4)}"
        for _ in Upload(server.client("custodian"), name, self.keys, self.watchlist).send():
            pass
        return name


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    made = Scene(tmp_path_factory.mktemp("scene"))
    made.passphrase_file.write_text(PASSPHRASE)
    for role, token in TOKENS.items():
        made.token(role).write_text(token)
    for number, person in enumerate(PEOPLE):
        write(made.folder / "list" / person / "1.png", small(number))
    done = command(
        *("custodian", "ceremony"), out=made.keys, preset=NOOP, passphrase_file=made.passphrase_file
    )
    assert done == 0
    done = command(
        *("custodian", "enrol"),
        keys=made.keys,
        faces=made.folder / "list",
        watchlist=made.watchlist,
        threshold=SIMILARITY,
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
