"""What a request holds is in no log, no refusal and, for probes, on no disk."""

from __future__ import annotations

import base64
import json
import secrets
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from blindwatch.store.database import LOG
from blindwatch.wire.messages import FailedResult, Result

from ..people import camera_key
from ..serving import FORCE

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]
    Sign = Callable[[bytes], dict[str, str]]

MARK = "k7q2markz9"


def traces(needle: bytes, haystack: bytes) -> bool:
    """Whether a text holds some bytes, as they are or in an encoding that they are likely to be in."""
    encoded = base64.b64encode(needle).rstrip(b"=")[:-1]
    forms = (
        needle,
        needle.hex().encode(),
        needle.hex().upper().encode(),
        encoded,
        repr(needle)[2:-1].encode(),
    )
    return any(form in haystack for form in forms)


def test_requests_leave_no_trace_in_logs_and_refusals(
    server: ServerProcess, trial: Trial, signed: Sign
) -> None:
    name = trial.open(server, cameras=(camera_key(MARK, FORCE.camera),))
    marked = trial.probe(camera=MARK, ciphertext=b"\xff" * 4 * 16384)
    server.client("camera").post_probe(name, marked)
    (result,) = server.results(name, 1).results
    assert isinstance(result, FailedResult)
    refusals = [
        server.http("camera").post(f"/v1/deployments/{name}/probes", content=body, headers=signed(body))
        for body in (
            trial.probe(camera=f"{MARK}/").to_cbor(),
            trial.probe(camera=MARK, key_id="cd" * 32).to_cbor(),
            f'{{"{MARK}": 1}}'.encode(),
        )
    ]
    operator = server.http("operator")
    refusals += [
        operator.get(f"/v1/{MARK}"),
        operator.get(f"/v1/deployments/{MARK}"),
        operator.get(f"/v1/deployments/{MARK.upper()}"),
        operator.get(f"/v1/deployments/{name}/results?wait={MARK}"),
        operator.request(MARK.upper(), "/v1/health"),
        httpx.get(f"{server.address}/v1/deployments/{name}", headers={"Authorization": f"Bearer {MARK}"}),
    ]
    for refusal in refusals:
        assert refusal.status_code >= 400
        assert MARK not in refusal.text.lower()
    assert MARK not in server.log.lower()
    assert name not in server.log
    assert marked.probe_id not in server.log
    assert "Traceback" not in server.log
    for line in server.log.splitlines():
        assert {"at", "level", "event"} <= json.loads(line).keys()


def test_probes_are_in_memory_only(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    server.pause()
    probe = trial.probe()
    server.client("camera").post_probe(name, probe)
    needle = probe.ciphertext[2000:2064]

    def on_disk(part: bytes) -> list[str]:
        files = [path for path in server.folder.rglob("*") if path.is_file()]
        return [path.name for path in files if traces(part, path.read_bytes())]

    assert on_disk(needle) == []
    server.resume()
    (result,) = server.results(name, 1).results
    assert isinstance(result, Result)
    assert on_disk(needle) == []
    # The search finds what is there: a result waits in the database, a ciphertext of the watchlist is a file.
    assert any("sqlite" in found for found in on_disk(result.releases[0].ciphertexts[0][2000:2064]))
    assert trial.rows[0][0] in on_disk(trial.blocks[0][0][:4096])
    # What was acknowledged is overwritten, not only unlinked.
    server.client("operator").acknowledge(name, result.probe_id)
    server.stop()
    assert on_disk(result.releases[0].ciphertexts[0][2000:2064]) == []


def test_only_the_owner_can_read_the_store(server: ServerProcess, trial: Trial) -> None:
    trial.open(server)
    for path in (server.store, *server.store.rglob("*")):
        if (
            LOG not in path.relative_to(server.store).parts
        ):  # the log is for everybody, behind a private folder
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


@pytest.mark.parametrize("encode", [bytes, bytes.hex, base64.b64encode, repr])
def test_the_search_finds_a_planted_trace(encode: Callable[[bytes], bytes | str]) -> None:
    needle = secrets.token_bytes(48)
    planted = encode(needle)
    text = planted.encode() if isinstance(planted, str) else planted
    assert traces(needle, b"before " + text + b" after")
    assert not traces(secrets.token_bytes(48), text)
