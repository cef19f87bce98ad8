"""Downloads from a real server on the loopback interface that answers as well or as badly as it is told."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from blindwatch.errors import DownloadFailed, InputError, ModelCorrupt
from blindwatch.vision.catalogue import MAX_MODEL_BYTES, Catalogue, Model
from blindwatch.vision.download import import_file, pull
from blindwatch.vision.registry import Location, Registry

CONTENT = np.random.default_rng(0).bytes(300_000)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        match self.path:
            case "/good":
                self._answer(CONTENT)
            case "/moved":
                self.send_response(302)
                self.send_header("Location", "/good")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "/wrong":
                self._answer(CONTENT[::-1])
            case "/long":
                self._answer(CONTENT + b"!")
            case "/short":
                self._answer(CONTENT[:-1])
            case "/cut":
                self._answer(CONTENT[:100_000], announced=len(CONTENT))
            case "/endless":
                self._answer_without_end()
            case "/page":
                self._answer(b"<html>Log in to the network</html>")
            case _:
                self.send_error(404)

    def _answer(self, body: bytes, announced: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(announced or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_without_end(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(CONTENT)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    entry = {
        "name": "small",
        "role": "projection",
        "file": "small.npy",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "size": len(CONTENT),
        "licence": "Apache-2.0",
        "source": "https://example.org/small",
        "card": "cards/small.md",
    }
    catalogue = Catalogue.model_validate({"model": [entry], "pipeline": []})
    return Registry(catalogue, [Location("chosen", tmp_path / "models")])


@pytest.fixture
def model(registry: Registry) -> Model:
    return registry.find("small")


@pytest.fixture
def directory(registry: Registry) -> Path:
    return registry.install_directory


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()} if directory.exists() else {}


@pytest.mark.parametrize("path", ["/good", "/moved"])
def test_a_good_download_is_installed(
    registry: Registry, model: Model, directory: Path, address: str, path: str
) -> None:
    pieces: list[int] = []
    target = pull(model, directory, address + path, progress=pieces.append)
    assert contents(directory) == {"small.npy": CONTENT}
    assert target.stat().st_mode & 0o777 == 0o644
    assert registry.read(model) == CONTENT
    assert sum(pieces) == model.size
    assert len(pieces) > 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/wrong", ModelCorrupt),
        ("/long", ModelCorrupt),
        ("/endless", ModelCorrupt),
        ("/short", ModelCorrupt),
        ("/page", ModelCorrupt),
        ("/cut", DownloadFailed),
        ("/absent", DownloadFailed),
    ],
)
@pytest.mark.parametrize(
    "before", [{}, {"small.npy": b"an older file"}], ids=["nothing before", "a file before"]
)
def test_a_bad_download_changes_nothing(
    model: Model,
    directory: Path,
    address: str,
    path: str,
    expected: type[Exception],
    before: dict[str, bytes],
) -> None:
    directory.mkdir()
    for name, content in before.items():
        (directory / name).write_bytes(content)
    with pytest.raises(expected, match="small"):
        pull(model, directory, address + path)
    assert contents(directory) == before


def test_a_good_download_replaces_a_changed_file(
    registry: Registry, model: Model, directory: Path, address: str
) -> None:
    directory.mkdir()
    (directory / "small.npy").write_bytes(b"changed")
    with pytest.raises(ModelCorrupt):
        registry.read(model)
    pull(model, directory, f"{address}/good")
    assert registry.read(model) == CONTENT


def test_a_status_is_told(model: Model, directory: Path, address: str) -> None:
    with pytest.raises(DownloadFailed, match="404") as caught:
        pull(model, directory, f"{address}/absent")
    assert "--from" in caught.value.hint


def test_nobody_listens(model: Model, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as taken:  # bound, but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(DownloadFailed, match="ConnectError"):
            pull(model, directory, f"http://127.0.0.1:{taken.getsockname()[1]}/good")
    assert contents(directory) == {}


@pytest.mark.parametrize("nonsense", ["nonsense", "file:///etc/hostname", "http://[::1", "ftp://127.0.0.1/x"])
def test_an_address_that_is_none(model: Model, directory: Path, nonsense: str) -> None:
    with pytest.raises(DownloadFailed):
        pull(model, directory, nonsense)


def test_a_model_without_an_address_says_where_it_is(model: Model, directory: Path) -> None:
    with pytest.raises(DownloadFailed) as caught:
        pull(model, directory)
    assert "https://example.org/small" in caught.value.hint


def test_a_directory_that_cannot_be_made(model: Model, tmp_path: Path, address: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadFailed):
        pull(model, tmp_path / "file" / "models", f"{address}/good")


def test_an_interrupted_download_leaves_nothing(model: Model, directory: Path, address: str) -> None:
    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(model, directory, f"{address}/good", progress=interrupt)
    assert contents(directory) == {}


def test_a_file_is_imported_under_the_name_its_digest_has(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "named otherwise"
    path.write_bytes(CONTENT)
    assert import_file(registry, path) == registry.find("small")
    assert contents(registry.install_directory) == {"small.npy": CONTENT}


def test_a_file_that_is_not_registered_is_not_imported(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "small.npy"
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelCorrupt):
        import_file(registry, path)
    with path.open("wb") as file:
        file.truncate(MAX_MODEL_BYTES + 1)
    with pytest.raises(ModelCorrupt, match="larger"):
        import_file(registry, path)
    for absent in (tmp_path / "absent", tmp_path):
        with pytest.raises(InputError):
            import_file(registry, absent)
    assert contents(registry.install_directory) == {}
