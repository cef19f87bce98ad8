"""`blindwatch oversight scan`: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from blindwatch.oversight.canary.folder import Canary, Part, write_canary
from blindwatch.oversight.scan.forms import of_embedding
from blindwatch.oversight.scan.result import LIMITS, ScanResult
from blindwatch.tlog.keys import Signer, Use
from blindwatch.wire.messages import now

from ..client.running import command
from .planting import FACE, WHO, between_noise, noise
from .test_scan_places import holding

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + noise(60)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (folder := tmp_path / "store").mkdir()
    (folder / "blob").write_bytes(noise(100_000))
    return folder


@pytest.fixture
def canaries(tmp_path: Path) -> Path:
    (folder := tmp_path / "canaries").mkdir()
    fragments = [
        Part(what=what, data=data) for what, data in of_embedding(f"embedding of {WHO}", FACE.embedding)
    ]
    canary = Canary(
        format=1,
        name=WHO,
        file="somebody.jpg",
        made_at=now(),
        pipeline="default",
        model_digest="ab" * 32,
        threshold=420_000,
        faces=1,
        embedding=FACE.embedding.tobytes(),
        fragments=fragments,
    )
    write_canary(folder, 1, canary)
    return folder


def read(path: Path) -> ScanResult:
    return ScanResult.model_validate_json(path.read_bytes())


def test_a_clean_store_passes(
    store: Path, canaries: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "scan.json"
    assert command("oversight", "scan", str(store), canaries=canaries, json=report) == 0
    assert "Nothing was found." in capsys.readouterr().out
    result = read(report)
    assert (result.findings, result.not_searched, result.vectors) == ((), (), True)
    assert (result.needles.canaries, result.needles.count > 400) == (1, True)
    assert re.fullmatch(r"[0-9a-f]{64}", result.needles.digest)
    assert [(each.place, each.items, each.size) for each in result.searched] == [(str(store), 1, 100_000)]
    assert report.stat().st_mode & 0o777 == 0o600


def test_a_dirty_store_fails_with_a_finding_for_each_leak(
    store: Path, canaries: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (store / "face").write_bytes(between_noise(FACE.embedding.tobytes()))
    (store / "walk").write_bytes(between_noise(FACE.alike(0.6).tobytes()))
    (store / "other").write_bytes(between_noise(FACE.alike(0.1).tobytes()))
    (store / "picture").write_bytes(PNG)
    (store / "log.pem").write_bytes(Signer.generate("example.org/log", Use.LOG).to_pem())
    report = tmp_path / "scan.json"
    assert command("oversight", "scan", str(store), canaries=canaries, json=report) == 1
    said = capsys.readouterr().out
    kinds = {(Path(each.place).name, each.kind) for each in read(report).findings}
    assert kinds == {
        ("face", "bytes of a canary"),
        ("face", "template of a canary"),
        ("walk", "template of a canary"),
        ("other", "looks like a template"),
        ("picture", "image"),
        ("log.pem", "secret key"),
    }
    assert "Found what should not be there, in 5 places." in said
    data = report.read_text()
    assert FACE.embedding.tobytes().hex()[:40] not in data
    assert json.dumps(FACE.embedding.tolist())[:40] not in data


def test_a_key_that_belongs_there_is_no_finding(store: Path, tmp_path: Path) -> None:
    log = Signer.generate("example.org/log", Use.LOG)
    (store / "log.pem").write_bytes(log.to_pem())
    (tmp_path / "log.vkey").write_text(f"{log.verifier}\n")
    report = tmp_path / "scan.json"
    words = "oversight", "scan", str(store)
    assert command(*words, own_key=tmp_path / "log.vkey", json=report) == 0
    assert [each.what for each in read(report).own_keys] == ["PEM private key"]
    assert command(*words) == 1


def test_what_looks_like_a_template_can_be_left_out(store: Path, tmp_path: Path) -> None:
    (store / "model").write_bytes(between_noise(FACE.embedding.tobytes()))
    assert command("oversight", "scan", str(store)) == 1
    assert command("oversight", "scan", str(store), "--no-vectors", html=tmp_path / "scan.html") == 0
    assert "Vectors that look like templates were not looked for" in (tmp_path / "scan.html").read_text()


def test_a_process_and_its_children_are_searched(canaries: Path, tmp_path: Path) -> None:
    report = tmp_path / "scan.json"
    with holding(FACE.embedding.tobytes()) as pid:
        code = command("oversight", "scan", "--pause", pid=pid, canaries=canaries, json=report)
        if not report.exists():
            pytest.skip("this system does not let us read the memory of processes that we started")
    assert code == 1
    assert {each.kind for each in read(report).findings} >= {"bytes of a canary"}


def test_nothing_to_search_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("oversight", "scan") == 1
    assert "no place to search" in capsys.readouterr().err
    assert command("oversight", "scan", str(tmp_path / "nowhere")) == 1
    assert "cannot be opened" in capsys.readouterr().err
    assert command("oversight", "scan", str(tmp_path), canaries=tmp_path) == 1
    assert "no canaries" in capsys.readouterr().err


def test_a_report_is_not_written_over(store: Path, tmp_path: Path) -> None:
    (tmp_path / "scan.json").write_text("older")
    assert command("oversight", "scan", str(store), json=tmp_path / "scan.json") == 1
    assert (tmp_path / "scan.json").read_text() == "older"


def test_what_a_scan_cannot_show_is_on_the_first_page(store: Path, tmp_path: Path) -> None:
    (store / "<b>picture").write_bytes(PNG)
    page = tmp_path / "scan.html"
    assert command("oversight", "scan", str(store), html=page) == 1
    text = page.read_text()
    first, rest = text.split('id="found"', 1)
    assert all(limit in first for limit in LIMITS)
    assert "No canaries were looked for" in first
    assert '<section id="limits" class="ends-page"' in text
    assert "&lt;b&gt;picture" in rest
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=\"(?!#)", text)
    assert "default-src 'none'" in text


def test_the_other_commands_need_no_compiler() -> None:
    """Loading numba takes as long as a verification of a small bundle."""
    program = (
        "import sys; import blindwatch.oversight.commands; "
        "sys.exit('numba' in sys.modules or 'cv2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
