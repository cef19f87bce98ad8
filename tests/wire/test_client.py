from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blindwatch.errors import (
    BlindwatchError,
    ConfigurationError,
    InternalError,
    MalformedMessage,
    ServerUnavailable,
    TooLarge,
)
from blindwatch.wire import limits
from blindwatch.wire.client import ServerClient
from blindwatch.wire.digests import content_digest
from blindwatch.wire.messages import ResultBatch

PROBLEM = "application/problem+json"


class Handler(BaseHTTPRequestHandler):
    answer: tuple[int, str, bytes] = (200, "application/cbor", b"")
    digest: str | None = None

    def do_GET(self) -> None:
        status, kind, body = self.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.digest is not None:
            self.send_header("Content-Digest", self.digest)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param((503, "text/plain", b"no"), ServerUnavailable, id="gateway says no"),
        pytest.param((500, "text/plain", b"no"), InternalError, id="no explanation"),
        pytest.param((500, PROBLEM, b"{"), InternalError, id="explanation that is not JSON"),
        pytest.param((422, PROBLEM, b" " * (limits.JSON + 1)), TooLarge, id="explanation too long"),
        pytest.param((200, "application/cbor", b" " * (limits.ANSWER + 1)), TooLarge, id="answer too long"),
        pytest.param((302, "text/plain", b""), InternalError, id="redirection is not followed"),
    ],
)
def test_answers_that_a_server_should_not_give(
    address: str,
    answer: tuple[int, str, bytes],
    expected: type[BlindwatchError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Handler, "answer", answer)
    with ServerClient(address, "token") as client, pytest.raises(expected):
        client.health()


NO_RESULTS = ResultBatch(results=(), logged=()).to_cbor()


@pytest.mark.parametrize("digest", [None, content_digest(b"another body")])
def test_results_that_changed_on_the_way(
    address: str, digest: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "answer", (200, "application/cbor", NO_RESULTS))
    monkeypatch.setattr(Handler, "digest", digest)
    with ServerClient(address, "token") as client, pytest.raises(MalformedMessage):
        client.fetch_results("trial")


def test_results_that_did_not(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "answer", (200, "application/cbor", NO_RESULTS))
    monkeypatch.setattr(Handler, "digest", content_digest(NO_RESULTS))
    with ServerClient(address, "token") as client:
        assert client.fetch_results("trial").results == ()


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "nonsense"])
def test_no_server(address: str) -> None:
    with pytest.raises(ServerUnavailable), ServerClient(address, "token", timeout=2) as client:
        client.health()


def test_an_address_that_is_none() -> None:
    with pytest.raises(ConfigurationError):
        ServerClient("http://[::1", "token")


def test_a_token_that_no_header_can_carry() -> None:
    with pytest.raises(ConfigurationError):
        ServerClient("http://127.0.0.1:9", "\N{SNOWMAN}")


@pytest.mark.parametrize("name", ["", "../up", "UPPER", "-x", "a" * 64, "a\n", "a b"])
def test_names_that_are_no_deployment(name: str) -> None:
    with ServerClient("http://127.0.0.1:9", "token") as client, pytest.raises(ConfigurationError):
        client.fetch_results(name)
