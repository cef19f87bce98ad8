"""A clean deployment verifies, and what the commands say about it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from blindwatch.oversight.checks.findings import Verdict
from blindwatch.oversight.replay import Replay

from ..client.running import command
from ..serving import FORCE

if TYPE_CHECKING:
    from .conftest import Clean, Copy


def test_a_clean_deployment_verifies_to_the_last_check(copy: Copy) -> None:
    found = copy.verify(Replay())
    assert [(each.check.name, each.faults) for each in found.of(Verdict.FAILED)] == []
    assert [(each.check.name, each.reason) for each in found.of(Verdict.NOT_CHECKED)] == []
    assert (found.facts.reached, found.facts.results, found.facts.rate) == (10, 10, 0.1)


def test_what_is_not_asked_for_is_not_said_to_be_checked(clean: Clean) -> None:
    from .conftest import Copy

    found = Copy(clean.bundle).verify()
    assert {each.check.name for each in found.of(Verdict.NOT_CHECKED)} == {"log-extends", "replay"}
    assert all(each.reason and each.reason.endswith(".") for each in found.of(Verdict.NOT_CHECKED))


def verify(folder: Path, bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    register = FORCE.write_register(folder / "auditors-own.toml")
    script = (
        "import sys\nfrom blindwatch.cli.main import run\ncode = run(sys.argv[1:])\n"
        "print(sorted(name for name in ('tenseal', 'numba', 'blindwatch.he') if name in sys.modules))\nsys.exit(code)"
    )
    line = [sys.executable, "-c", script, "oversight", "verify", str(bundle), f"--register={register}"]
    return subprocess.run([*line, *words], capture_output=True, text=True, timeout=300, check=False)


def test_the_command_says_what_each_check_means_and_needs_no_engine(clean: Clean, tmp_path: Path) -> None:
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    done = verify(tmp_path, clean.bundle, f"--seen={clean.seen}", f"--json={report}", f"--html={page}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n[]\n")
    content = json.loads(report.read_text())
    assert content["failed"] == []
    assert content["notChecked"] == ["replay"]
    assert {each["verdict"] for each in content["checks"]} == {"passed", "not-checked"}
    assert content["replay"]["caught"][0] == {"wrong": 1, "probability": 0.1}
    assert "<script" not in page.read_text()


def test_replay_by_the_command(clean: Clean, tmp_path: Path) -> None:
    done = verify(tmp_path, clean.bundle, "--replay")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n['blindwatch.he', 'numba', 'tenseal']\n")


def test_a_failed_check_is_exit_code_1(copy: Copy, tmp_path: Path) -> None:
    for path in (copy.bundle / "statements").glob("receipt-c.ruiz-*"):
        path.unlink()
    register = FORCE.write_register(tmp_path / "register.toml")
    assert command("oversight", "verify", str(copy.bundle), register=register) == 1
