"""The operator: what it shows, what it refuses to read, and that the server cannot tell what it found."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from blindwatch.custodian import ceremony
from blindwatch.custodian.uploading import Upload
from blindwatch.errors import MalformedCiphertext, Problem
from blindwatch.he import noop
from blindwatch.he.presets import PLAIN_MODULUS
from blindwatch.he.templates import Templates
from blindwatch.operator.fetching import read
from blindwatch.operator.reading import Match, Reader
from blindwatch.secret.keys import KeySet, generate
from blindwatch.wire.messages import FailedResult, now

from ..people import Force
from .approved import approve
from .forwarding import forwarding
from .posts import (
    ENROLLED,
    GATE,
    KNOWN,
    NAMES,
    NOTE,
    PRESET,
    STRANGER,
    THRESHOLD,
    Post,
    as_result,
    opened,
    posted,
    released,
    rows,
)
from .running import MASTER, only_error, write_shares

if TYPE_CHECKING:
    from tests.serving import ServerProcess

PROBE_ID = re.compile(r"[0-9a-f]{32}")
FIELDS = {"probeId", "camera", "capturedAt", "matches", "problem", "serverMs", "decryptMs", "bytes"}


def test_what_the_templates_say_in_clear() -> None:
    assert (ENROLLED.coarse @ KNOWN.coarse[0] >= GATE).tolist() == [True, True, True, False, True]
    fine = ENROLLED.fine @ KNOWN.fine[0] - THRESHOLD
    assert fine.tolist() == [1, 0, -1, 1000, 1000 - THRESHOLD]
    assert not (ENROLLED.coarse @ STRANGER.coarse[0] >= GATE).any()


# What it shows


def check_shown(post: Post, folder: Path, printed: str, sent: list[str]) -> None:
    readings = json.loads((folder / "matches.json").read_text())
    assert [reading["probeId"] for reading in readings] == sent
    assert {frozenset(reading) for reading in readings} == {frozenset(FIELDS)}
    assert [reading["problem"] for reading in readings] == [None, None]
    assert readings[0]["matches"] == []
    entries = json.loads(post.entries.read_text())["entries"]
    assert readings[1]["matches"] == [
        {"entry": 0, **entries[0], "score": THRESHOLD + 1},
        {"entry": 1, **entries[1], "score": THRESHOLD},
    ]
    # What is shown and kept of a match and of a stranger differs in the matches alone.
    assert readings[0]["bytes"] > 0
    assert all(f" {reference} " in printed for reference in post.references[:2])
    assert not any(reference in printed for reference in post.references[2:])
    assert not any(f" {name} " in printed for name in NAMES)
    assert sent[0][:8] not in printed
    assert "2 results read, 1 with a match" in printed
    assert "not read" not in printed
    assert post.left() == 0


def test_matches_at_above_and_below_the_threshold(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = post.see(STRANGER, KNOWN)
    assert post.run(count=2, out=tmp_path / "matches.json") == 0
    check_shown(post, tmp_path, capsys.readouterr().out, sent)
    assert (tmp_path / "matches.json").stat().st_mode & 0o777 == 0o600


def test_matches_under_encryption(
    keys: KeySet, server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    post = posted(tmp_path, server, keys)
    sent = post.see(STRANGER, KNOWN)
    assert post.run(count=2, out=tmp_path / "matches.json") == 0
    check_shown(post, tmp_path, capsys.readouterr().out, sent)


def test_priority_instruction_and_relative_are_shown_in_words(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    post.see(KNOWN)
    assert post.run(count=1) == 0
    lines = capsys.readouterr().out.splitlines()
    (first,) = [at for at, line in enumerate(lines) if post.references[0] in line]
    assert "▲ RED" in lines[first]
    assert NOTE in lines[first]  # brackets are text and no markup
    assert "of unknown age" in lines[first]
    assert "Known to look alike: A twin" in lines[first + 1]
    (second,) = [line for line in lines if post.references[1] in line]
    assert "● GREEN" in second
    assert "Known" not in second


def test_a_probe_that_was_not_read_is_not_shown_as_a_stranger(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = post.see(STRANGER, None, KNOWN)
    assert post.run(count=3, out=tmp_path / "matches.json") == 0
    printed = capsys.readouterr().out
    readings = json.loads((tmp_path / "matches.json").read_text())
    assert [reading["problem"] for reading in readings] == [None, Problem.MALFORMED_CIPHERTEXT.urn, None]
    (line,) = [line for line in printed.splitlines() if sent[1][:8] in line]
    assert "not read: " in line
    assert "2 results read, 1 with a match; 1 not read" in printed
    assert post.left() == 0


# What it refuses to read


@pytest.mark.parametrize("score", [THRESHOLD, PRESET.fine_squared_norm])
def test_a_score_that_is_possible(reader: Reader, score: int) -> None:
    reading = read(as_result(released({3: 0}, {3: score})), reader)
    assert (reading.matches, reading.problem) == ((Match(3, score),), None)


@pytest.mark.parametrize(
    "score", [PRESET.fine_squared_norm + 1, PLAIN_MODULUS // 2, -PRESET.fine_squared_norm - 1]
)
def test_a_score_that_no_template_can_have_spoils_the_whole_result(reader: Reader, score: int) -> None:
    release = released({1: 0, 3: 0}, {1: THRESHOLD + 5, 3: score})
    with pytest.raises(MalformedCiphertext):
        reader.matches([release])
    reading = read(as_result(release), reader)
    assert (reading.matches, reading.problem) == ((), Problem.MALFORMED_CIPHERTEXT)


@pytest.mark.parametrize("score", [THRESHOLD - 1, 0, 1, -1, -PRESET.fine_squared_norm])
def test_between_gate_and_threshold_an_entry_is_dropped(reader: Reader, score: int) -> None:
    assert reader.matches([released({2: 0}, {2: score})]) == []


def test_what_lies_beyond_the_entries_is_not_looked_at(reader: Reader) -> None:
    beyond = released({len(NAMES): 0, 20: 0}, {len(NAMES): THRESHOLD, 20: THRESHOLD})
    assert reader.matches([beyond]) == []


@pytest.mark.parametrize("blocks", [0, 2])
def test_a_result_of_another_number_of_blocks(reader: Reader, blocks: int) -> None:
    releases = [released({0: 0}, {0: THRESHOLD})] * blocks
    with pytest.raises(MalformedCiphertext):
        reader.matches(releases)
    assert read(as_result(*releases), reader).problem is Problem.MALFORMED_CIPHERTEXT


@pytest.mark.parametrize("data", [b"", b"\0" * 10, b"\xff" * 4 * PRESET.poly_degree])
def test_a_release_that_is_no_ciphertext(reader: Reader, data: bytes) -> None:
    good = released({0: 0}, {0: THRESHOLD})
    for ciphertexts in ((data,), (), good.ciphertexts * 2):
        bad = good.model_copy(update={"ciphertexts": ciphertexts})
        reading = read(as_result(bad), reader)
        assert (reading.matches, reading.problem) == ((), Problem.MALFORMED_CIPHERTEXT)


def test_a_release_of_another_preset(keys: KeySet) -> None:
    real = Reader(keys.secret, THRESHOLD, len(NAMES))
    reading = read(as_result(released({0: 0}, {0: THRESHOLD})), real)
    assert (reading.matches, reading.problem) == ((), Problem.MALFORMED_CIPHERTEXT)


def test_a_failed_result_has_a_problem_and_no_matches(reader: Reader) -> None:
    failed = FailedResult(
        probe_id="ab" * 16, camera="north", captured_at=now(), problem=Problem.WORKER_LOST.urn
    )
    reading = read(failed, reader)
    assert (reading.matches, reading.problem, reading.size) == ((), Problem.WORKER_LOST, 0)


def test_a_score_beyond_the_norm_through_the_server(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A camera that does not keep to the norm makes a result that cannot be, and it is shown as one."""
    coarse, fine = rows((12, 0)), rows((201, 0))
    both = np.concatenate([coarse + fine, coarse - fine]) * ((PLAIN_MODULUS + 1) // 2)
    too_long = noop.pack(PRESET.layouts[0].repeat(both % PLAIN_MODULUS))
    made = post.probe(KNOWN, ciphertext=too_long)
    post.server.client("camera").post_probe(post.deployment, made)
    post.server.results(post.deployment, 1)
    assert post.run(count=1, out=tmp_path / "matches.json") == 0
    (reading,) = json.loads((tmp_path / "matches.json").read_text())
    assert (reading["matches"], reading["problem"]) == ([], Problem.MALFORMED_CIPHERTEXT.urn)
    printed = capsys.readouterr().out
    assert "not read: " in printed
    assert not any(reference in printed for reference in post.references)


# What it refuses to start with; results must stay where they are


def edited(post: Post, folder: Path, **changes: object) -> Path:
    path = folder / "operator.json"
    path.write_text(json.dumps(json.loads(post.entries.read_text()) | changes))
    return path


def refused(post: Post, capsys: pytest.CaptureFixture[str], said: str, **changes: object) -> None:
    post.see(KNOWN)
    assert post.run(count=1, **changes) == 1
    printed = capsys.readouterr()
    assert said in only_error(printed.err)
    assert printed.out == ""
    assert post.left() == 1


def test_keys_of_another_ceremony(post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ceremony.write(generate(PRESET), MASTER, tmp_path / "keys")
    refused(post, capsys, "another key", keys=tmp_path / "keys")


def test_a_deployment_of_another_key(post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its results would open to noise, in which a match turns up by chance, and be deleted."""
    other = generate(PRESET)
    ceremony.write(other, MASTER, tmp_path / "keys")
    refused(
        post,
        capsys,
        "The deployment has another key",
        keys=tmp_path / "keys",
        entries=edited(post, tmp_path, keyId=other.secret.key_id),
    )


@pytest.mark.parametrize(
    "changes", [{"modelDigest": "cd" * 32}, {"fineThreshold": 1}, {"gate": 119}, {"similarity": 0.4}]
)
def test_the_package_of_another_watchlist(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object]
) -> None:
    refused(post, capsys, "another watchlist", entries=edited(post, tmp_path, **changes))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda entries: entries[:-1], id="fewer"),
        pytest.param(lambda entries: entries[::-1], id="in another order"),
        pytest.param(
            lambda entries: [{**entries[0], "instruction": "Stop them"}, *entries[1:]], id="told apart"
        ),
    ],
)
def test_other_entries_than_were_signed(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[list[Any]], list[Any]]
) -> None:
    entries = change(json.loads(post.entries.read_text())["entries"])
    refused(post, capsys, "another watchlist", entries=edited(post, tmp_path, entries=entries))


def test_a_manifest_that_nobody_of_the_register_approved(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = Force().write_register(tmp_path / "register.toml")
    refused(post, capsys, "has not signed it", register=others)


def test_a_deployment_without_a_watchlist(
    post: Post, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"empty-{secrets.token_hex(4)}"
    manifest = approve(post.folder / "keys", post.folder / "watchlist", name)
    upload = Upload(
        server.client("custodian"), manifest, post.folder / "keys", post.folder / "watchlist"
    ).send()
    next(upload)
    upload.close()
    assert post.run(count=1, deployment=name) == 1
    assert "no watchlist yet" in only_error(capsys.readouterr().err)


def test_shares_of_another_ceremony(post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = write_shares(tmp_path / "others", bytes(32))
    refused(post, capsys, "shares do not open", share_file=others)


def test_one_share_of_two(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    refused(post, capsys, "too few shares", share_file=post.folder / "shares" / "share-1")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"entries": [], "fineThreshold": 5, "keyId": "x"}'])
def test_a_package_that_is_damaged(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (tmp_path / "operator.json").write_text(content)
    refused(post, capsys, "not an operator's package", entries=tmp_path / "operator.json")


def test_a_file_is_not_written_over_and_no_result_is_lost_to_it(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "matches.json").write_text("of yesterday")
    refused(post, capsys, "is there already", out=tmp_path / "matches.json")
    assert (tmp_path / "matches.json").read_text() == "of yesterday"


def test_a_folder_that_is_not_there_loses_no_result(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(post, capsys, "its folder is not", out=tmp_path / "nowhere" / "matches.json")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deployment": "nowhere"}, "no such deployment"),
        ({"server": "http://127.0.0.1:1"}, "cannot be reached"),
        ({"token_file": "{folder}/shares/share-1"}, "credentials"),
        ({"keys": "{folder}/watchlist"}, "secret key cannot be read"),
    ],
)
def test_an_error_is_one_sentence(
    post: Post, capsys: pytest.CaptureFixture[str], changes: dict[str, str], said: str
) -> None:
    filled = {name: value.format(folder=post.folder) for name, value in changes.items()}
    refused(post, capsys, said, **filled)


def test_a_server_that_goes_in_the_middle_takes_no_match_along(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = post.see(KNOWN, KNOWN, STRANGER)
    second = f"DELETE /v1/deployments/{post.deployment}/results/{sent[1]}".encode()
    with forwarding(post.server.address, breaks_at=second) as forwarder:
        assert post.run(server=forwarder.address, count=3, out=tmp_path / "matches.json") == 1
    printed = capsys.readouterr()
    assert "cannot be reached" in only_error(printed.err)
    kept = json.loads((tmp_path / "matches.json").read_text())
    assert [reading["probeId"] for reading in kept] == sent[:2]
    assert [len(reading["matches"]) for reading in kept] == [2, 2]
    assert "2 results read, 2 with a match" in printed.out
    # Only the first is gone: what was not acknowledged is fetched again.
    assert post.left() == 2
    assert post.run(count=2, out=tmp_path / "rest.json") == 0
    rest = json.loads((tmp_path / "rest.json").read_text())
    assert [reading["probeId"] for reading in rest] == sent[1:]


# What the server sees


def heard(post: Post, *templates: Templates | None) -> list[str]:
    """Everything that a run over such results sends, line by line, without what differs between any two runs."""
    post = opened(post)
    post.see(*templates)
    with forwarding(post.server.address) as forwarder:
        assert post.run(server=forwarder.address, count=len(templates)) == 0
    text = bytes(forwarder.sent).decode().replace(post.deployment, "DEPLOYMENT")
    return PROBE_ID.sub("PROBE", text.replace(forwarder.address[7:], "HOST")).splitlines()


def test_the_server_cannot_tell_what_was_found(first_post: Post) -> None:
    runs = [
        heard(first_post, *seen)
        for seen in ([KNOWN] * 3, [STRANGER] * 3, [STRANGER, KNOWN, STRANGER], [KNOWN, None, STRANGER])
    ]
    assert [line for line in runs[0] if line.endswith("HTTP/1.1")] == [
        "GET /v1/deployments/DEPLOYMENT HTTP/1.1",
        "GET /v1/deployments/DEPLOYMENT/manifest HTTP/1.1",
        "GET /v1/deployments/DEPLOYMENT/watchlist HTTP/1.1",
        "GET /v1/deployments/DEPLOYMENT/accepted HTTP/1.1",
        "GET /v1/deployments/DEPLOYMENT/tombstone HTTP/1.1",
        "GET /v1/deployments/DEPLOYMENT/results?wait=0.200 HTTP/1.1",
        "GET /v1/deployments/DEPLOYMENT/tombstone HTTP/1.1",
        *["DELETE /v1/deployments/DEPLOYMENT/results/PROBE HTTP/1.1"] * 3,
    ]
    assert runs[1:] == runs[:1] * 3


def test_results_are_fetched_until_none_comes(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    post.see(STRANGER, KNOWN)
    with forwarding(post.server.address) as forwarder:
        assert post.run(server=forwarder.address) == 0
    sent = [each.split()[0] for each in forwarder.requests]
    assert sent == [*["GET"] * 7, "DELETE", "DELETE", "GET"]
    assert "2 results read, 1 with a match" in capsys.readouterr().out
