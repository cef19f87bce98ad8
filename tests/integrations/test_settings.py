"""The file of integrations: what is refused, in words that repeat nothing of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blindwatch.errors import ConfigurationError
from blindwatch.integrations.destination import address
from blindwatch.integrations.settings import Integrations

SERVER = "https://match.example:8470"
WORD = "cGFzc3dvcmQgdGhhdCBub2JvZHkgcmVwZWF0cw"


@pytest.mark.parametrize(
    "text",
    [
        "[[webhook]]\nurl = 'https://a.example/'",
        "[[webhook]]\nurl = 'https://a.example/'\nsecret_file = 'x'",
        f"dead_letters = 'd'\n[[webhook]]\nurl = 'https://a.example/'\nsecret = '{WORD}'",
        f"dead_letters = 'd'\n[[mqtt]]\nurl = 'mqtts://a.example'\npassword = '{WORD}'",
        "dead_letters = 'd'\n[[mqtt]]\nurl = 'mqtts://a.example'\npassword_file = 'p'",
        "metrics_port = 65536",
        "webhook = 3",
        "[[webhooks]]",
        "no TOML",
    ],
)
def test_a_file_that_does_not_follow_its_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "integrations.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="file of integrations") as refused:
        Integrations.load(path)
    assert WORD not in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "http://control.example/",
        "ftp://control.example/",
        "https://",
        "https://user:word@control.example/",
        "https://control.example:port/",
        "https://match.example/",
        "https://match.example:9000/",
    ],
)
def test_nothing_goes_out_in_clear_with_a_password_or_to_the_match_server(url: str) -> None:
    with pytest.raises(ConfigurationError):
        address(url, "http", "https", SERVER)


def test_on_one_machine_the_match_server_is_told_apart_by_its_port() -> None:
    assert address("http://127.0.0.1:9000/x", "http", "https", "http://127.0.0.1:8470").port == 9000
    with pytest.raises(ConfigurationError, match="match server"):
        address("http://127.0.0.1:8470/x", "http", "https", "http://127.0.0.1:8470")


def test_without_a_file_nobody_is_told() -> None:
    assert Integrations().outbox(SERVER).couriers == ()


def test_the_example_of_the_documentation_is_one(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (repo / "docs" / "integrations.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("integrations.toml").write_text(example)
    Path("webhook.secret").write_text("whsec_" + "QUFB" * 11)
    Path("mqtt.password").write_text("a password\n")
    made = Integrations.load(Path("integrations.toml"))
    with made.outbox(SERVER) as outbox:
        assert [each.destination.name.split()[0] for each in outbox.couriers] == ["webhook", "mqtt"]
    assert made.metrics_port is not None
