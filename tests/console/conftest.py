"""What the tests of the console share: a server, and a deployment to be on duty for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry

from ..client.running import NOOP
from ..serving import ServerProcess
from .ranked_stage import Gallery
from .stage import Stage

# A console ends with its last connections open in a loop that no longer runs. Python says so of whatever test is
# running when it looks for cycles.
LEFT_OPEN = (
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning",
    "ignore:Exception ignored in. <function _SelectorTransport:pytest.PytestUnraisableExceptionWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            for each in LEFT_OPEN:
                item.add_marker(pytest.mark.filterwarnings(each))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A list and a server, under the preset that encrypts nothing."""
    pipeline = FacePipeline.named(Registry.load(Path("a directory that does not exist")))
    with ExitStack() as stack:
        server = ServerProcess(tmp_path_factory.mktemp("server"), stack)
        made = Stage(tmp_path_factory.mktemp("stage"), server, pipeline, NOOP)
        made.prepare()
        yield made


@pytest.fixture(scope="session")
def encrypted(prepared: Stage, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A list on the same server, under encryption, with a deployment of its own."""
    made = Stage(tmp_path_factory.mktemp("encrypted"), prepared.server, prepared.pipeline, "reveal-128")
    made.prepare()
    made.open()
    return made


@pytest.fixture
def stage(prepared: Stage) -> Stage:
    """The same with a deployment of its own."""
    prepared.open()
    return prepared


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A gallery on a server that allows ranked search: for each file, as the profile has ten searches in a minute."""
    with ExitStack() as stack:
        server = ServerProcess(tmp_path_factory.mktemp("searched"), stack, allow_ranked=True)
        made = Gallery(tmp_path_factory.mktemp("gallery"), server, FacePipeline.named(Registry.load()))
        made.fill()
        yield made
