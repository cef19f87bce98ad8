"""The command line and the settings."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from blindwatch.cli.main import run
from blindwatch.errors import ConfigurationError
from blindwatch.matching.access import Role
from blindwatch.matching.settings import ServerSettings
from blindwatch.statements.register import PersonRole, Register


def test_the_sample_is_valid_and_names_every_setting(repo: Path) -> None:
    sample = repo / "docs" / "server.toml"
    settings = ServerSettings.load(sample)
    assert settings.model_fields_set == set(ServerSettings.model_fields)
    assert settings.tokens.keys() == set(Role)


def test_defaults_keep_to_this_machine() -> None:
    settings = ServerSettings.load(None, data=Path("store"))
    assert settings.is_loopback
    assert settings.tokens == {}
    assert not ServerSettings.load(None, data=Path("store"), host="0.0.0.0").is_loopback  # noqa: S104
    assert ServerSettings.load(None, data=Path("store"), host="::1").is_loopback


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "server.toml"
    file.write_text('data = "a"\nport = 1\nworkers = 1\nqueue_length = 1\n')
    monkeypatch.setenv("BLINDWATCH_SERVER_PORT", "2")
    monkeypatch.setenv("BLINDWATCH_SERVER_WORKERS", "2")
    settings = ServerSettings.load(file, workers=3, data=None)
    assert (settings.queue_length, settings.port, settings.workers) == (1, 2, 3)


ONE_FOR_TWO = f'data = "a"\n[tokens]\noperator = ["{"a" * 64}"]\ncustodian = ["{"b" * 64}", "{"a" * 64}"]'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param('data = "a"\nqueue_lenght = 1', "queue_lenght", id="misspelt"),
        pytest.param('data = "a"\nport = 70000', "port", id="out of range"),
        pytest.param('data = "a"\n[tokens]\nguest = []', "tokens.guest", id="unknown role"),
        pytest.param('data = "a"\n[tokens]\ncamera = []', "tokens.camera", id="cameras have none"),
        pytest.param('data = "a"\n[tokens]\noperator = ["secret"]', "tokens.operator", id="not a digest"),
        pytest.param(ONE_FOR_TWO, "two roles", id="one token for two roles"),
        pytest.param('data = "a"\ntls_key = "b"', "go together", id="a key without its certificate"),
        pytest.param('data = "a"\ntls_client_ca = "b"', "needs its own", id="only a CA for clients"),
        pytest.param("port = 1", "data", id="missing"),
        pytest.param("= 1", "cannot be read", id="not TOML"),
        pytest.param("\udcff", "cannot be read", id="not UTF-8"),
    ],
)
def test_settings_that_are_not_valid(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "server.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError, match=says) as caught:
        ServerSettings.load(file)
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize("text", ["{", '{"operator": "x"}', '{"operator": ["x"]}'])
def test_environments_that_are_not_valid(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BLINDWATCH_SERVER_TOKENS", text)
    with pytest.raises(ConfigurationError):
        ServerSettings.load(None, data=Path("store"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def invoke(*arguments: str | Path) -> tuple[int, str, str]:
        code = run(["server", *map(str, arguments)])
        return code, *capsys.readouterr()

    return invoke


Call = Callable[..., tuple[int, str, str]]


def test_a_token_and_its_digest(call: Call, tmp_path: Path) -> None:
    code, shown, _ = call("token")
    fields = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert code == 0
    assert fields["digest:"] == hashlib.sha256(fields["token:"].encode()).hexdigest()
    file = tmp_path / "token"
    code, shown, _ = call("token", "--out", file)
    token = file.read_text().strip()
    assert shown == f"digest: {hashlib.sha256(token.encode()).hexdigest()}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert call("token", "--out", file)[0] == 1
    assert file.read_text().strip() == token


def test_a_store_is_created_once_and_never_by_running(call: Call, tmp_path: Path, repo: Path) -> None:
    sample = ("--config", repo / "docs" / "server.toml", "--data", tmp_path / "store")
    code, _, said = call("run", *sample)
    assert code == 1
    assert "There is no store yet" in said
    assert not (tmp_path / "store").exists()
    named = ("--name", "server-1", *sample)
    code, shown, _ = call("init", *named)
    assert code == 0
    (server,) = Register.read(shown.encode()).people
    assert (server.name, server.role) == ("server-1", PersonRole.SERVER)
    assert call("init", *named)[0] == 1
    assert call("identity", *named)[1] == shown


def test_a_server_that_nobody_could_use_does_not_start(call: Call, tmp_path: Path) -> None:
    code, _, said = call("run", "--data", tmp_path / "store")
    assert code == 1
    assert "No role has a token" in said


def test_an_address_that_is_not_ours(
    call: Call, tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--config", repo / "docs" / "server.toml", "--data", tmp_path / "store")
    monkeypatch.setenv("BLINDWATCH_SERVER_REGISTER_FILE", str(tmp_path / "register.toml"))
    _, entry, _ = call("init", "--name", "server-1", *options)
    (tmp_path / "register.toml").write_text(entry)
    code, _, said = call("run", *options, "--host", "192.0.2.1")
    assert code == 1
    assert "cannot listen" in said
