"""What the tests of the server share: servers, and trials of deployments to talk to them about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from blindwatch.wire import digests
from blindwatch.wire.client import CBOR

from ..serving import ServerProcess, Trial


@pytest.fixture(scope="session")
def trial() -> Trial:
    return Trial("insecure-noop-128")


@pytest.fixture(scope="session")
def sealed_trial() -> Trial:
    return Trial("reveal-128")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts a server for one test."""
    with ExitStack() as stack:
        yield lambda *options, **settings: ServerProcess(tmp_path, stack, *options, **settings)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server that tests share which leave it as it was."""
    with ExitStack() as stack:
        yield ServerProcess(tmp_path_factory.mktemp("server"), stack, workers=2)


@pytest.fixture(scope="session")
def signed() -> Callable[[bytes], dict[str, str]]:
    """The header fields of a body as the client would send it."""
    return lambda body: {"Content-Type": CBOR, digests.FIELD: digests.content_digest(body)}
