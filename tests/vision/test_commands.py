"""`blindwatch models`, with the real registry and a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from blindwatch.errors import DownloadFailed, ModelCorrupt, ModelMissing
from blindwatch.vision.commands import app
from blindwatch.vision.registry import VARIABLE, Registry, embedded_directory

NAME = "blindwatch-landmarks"
FILE = f"{NAME}.onnx"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The embedded models, on a server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(QuietHandler, directory=str(embedded_directory()))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


def models(*arguments: str, fails: type[Exception] | None = None) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    if fails is None:
        assert result.exit_code == 0, result.output
    else:
        assert isinstance(result.exception, fails)
    return result


def line(output: str, name: str) -> list[str]:
    """The cells of a table's row."""
    row = next(row for row in output.splitlines() if row.strip("│ ").startswith(f"{name} "))
    return [cell.strip() for cell in row.strip("│ ").split("│")]


def test_list_shows_every_model_and_where_it_is(shipped: Registry) -> None:
    output = models("list").output
    for model in shipped.models:
        assert line(output, model.name)[1] == model.role
    assert line(output, NAME)[-1] == "embedded"
    assert line(output, "cascade")[-1] == "opencv"
    assert line(output, "sface")[-1] == "missing"


def test_pull_installs_into_the_cache(mirror: str) -> None:
    result = models("pull", NAME, "--from", f"{mirror}/{FILE}")
    assert f"Installed {NAME}" in result.stdout
    assert NAME in result.stderr  # the progress bar, which leaves standard output free
    assert line(models("list").output, NAME)[-1] == "cache"


def test_pull_installs_into_a_directory_that_is_named(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models("pull", NAME, "--from", f"{mirror}/{FILE}", "--models-dir", str(tmp_path / "option"))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "variable"))
    models("pull", NAME, "--from", f"{mirror}/{FILE}")
    for place in ("option", "variable"):
        assert (tmp_path / place / FILE).read_bytes() == (embedded_directory() / FILE).read_bytes()


def test_pull_fails(mirror: str, tmp_path: Path) -> None:
    place = ("--models-dir", str(tmp_path / "models"))
    models("pull", "no-such-model", *place, fails=ModelMissing)
    models("pull", "cascade", *place, fails=DownloadFailed)
    models("pull", NAME, "--from", f"{mirror}/absent", *place, fails=DownloadFailed)
    models("pull", NAME, "--from", f"{mirror}/registry.toml", *place, fails=ModelCorrupt)
    assert not list(tmp_path.glob("models/*"))


def test_import_and_verify(tmp_path: Path) -> None:
    place = ("--models-dir", str(tmp_path))
    assert f"Installed {NAME}" in models("import", str(embedded_directory() / FILE), *place).output
    assert line(models("verify", *place).output, NAME) == [NAME, "chosen", "as registered"]
    data = bytearray((tmp_path / FILE).read_bytes())
    data[1000] ^= 1
    (tmp_path / FILE).write_bytes(data)
    result = models("verify", *place, fails=ModelCorrupt)
    assert line(result.output, NAME) == [NAME, "chosen", "different"]
    assert NAME in str(result.exception)


def test_verify_passes_over_what_is_not_here() -> None:
    output = models("verify").output
    assert "sface" not in output
    assert line(output, NAME)[1:] == ["embedded", "as registered"]


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    result = CliRunner().invoke(app, ["list", "--models-dir", str(tmp_path / "file")])
    assert result.exit_code == 2
