"""The key ceremony, as people go through it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.custodian import ceremony
from blindwatch.errors import WrongShare
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.shares import WORDS, combine
from blindwatch.secret.wrapping import FILE, unwrap

from .running import NOOP, command, only_error
from .terminal import Terminal, terminal

if TYPE_CHECKING:
    Printed = pytest.CaptureFixture[str]

KEYS = {ceremony.ENCRYPTION, ceremony.EVALUATION, ceremony.DESCRIPTION, FILE}
WORD = re.compile(r"(\d+)\. (\w+)")


def opens(folder: Path, shares: list[str]) -> SecretKey:
    return unwrap((folder / FILE).read_bytes(), combine(shares))


def written(folder: Path) -> list[str]:
    return [path.read_text().strip() for path in sorted(folder.iterdir())]


def words_of(shown: str) -> list[str]:
    found = {int(number): word for number, word in WORD.findall(shown)}
    return [found[number] for number in range(1, WORDS + 1)]


def take(screen: Terminal, *, mistaken: bool = False) -> str:
    """Write one share down, and type the words that are asked for; the share."""
    screen.expect("Press Enter")
    screen.type("")
    share = words_of(screen.expect("then press Enter"))
    screen.type("")
    if mistaken:
        screen.expect("Word ")
        screen.expect(":")
        screen.type_hidden("wrong")
        assert words_of(screen.expect("then press Enter")) == share
        screen.type("")
    for _ in range(3):
        screen.expect("Word ")
        screen.type_hidden(share[int(screen.expect(":").rstrip(":")) - 1])
    screen.expect("Right.")
    return " ".join(share)


def test_a_ceremony_at_the_screen(tmp_path: Path) -> None:
    keys, sheets = tmp_path / "keys", tmp_path / "sheets"
    arguments = ("custodian", "ceremony", "--profile", "demo", "--preset", NOOP)
    with terminal(*arguments, "--out", keys, "--sheets", sheets, "--deployment", "gate-4") as screen:
        assert "no network" in screen.expect("Is all of this so?")
        assert not keys.exists()
        screen.type("y")
        assert re.search(
            "✓ Keys made.*▸ Share 1 of 3.*○ Share 3 of 3.*○ Shares tried", screen.expect("written"), re.S
        )
        shares = [take(screen, mistaken=number == 1) for number in range(3)]
        assert re.search("✓ Share 3 of 3.*▸ Shares tried", screen.expect("written"), re.S)
        screen.expect("2 of 3 custodians open the secret key together.")
        assert screen.end() == 0
    assert WORD.search(screen.shown)
    assert not WORD.search(screen.left)
    for pair in combinations(shares, 2):
        assert opens(keys, list(pair)).preset.name == NOOP
    for share in shares:
        with pytest.raises(WrongShare):
            opens(keys, [share])
        # No word of a share is in any file, sheets included.
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or share[20:60].encode() not in path.read_bytes()
    pages = [path.read_text() for path in sorted(sheets.iterdir())]
    assert [f"<h1>Share {number} of 3</h1>" in page for number, page in enumerate(pages, 1)] == [True] * 3
    key_id = json.loads((keys / ceremony.DESCRIPTION).read_text())["keyId"]
    for page in pages:
        assert page.count("<li></li>") == WORDS
        assert "REHEARSAL" not in page
        assert f"<dd>{key_id}</dd>" in page
        assert "<dd>gate-4" in page


def test_who_does_not_agree_makes_no_keys(tmp_path: Path) -> None:
    arguments = ("custodian", "ceremony", "--profile", "demo", "--preset", NOOP, "--out", tmp_path / "keys")
    with terminal(*arguments) as screen:
        screen.expect("Is all of this so?")
        screen.type("n")
        assert screen.end() == 1
    assert not (tmp_path / "keys").exists()


def test_a_rehearsal_keeps_nothing(tmp_path: Path, capsys: Printed) -> None:
    done = command(
        *("custodian", "ceremony", "--rehearsal"),
        profile="demo",
        preset=NOOP,
        sheets=tmp_path / "sheets",
        share_files=tmp_path / "shares",
    )
    assert done == 0
    assert "keys are gone" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"sheets", "shares"}
    assert all("REHEARSAL" in page for page in written(tmp_path / "sheets"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shares": "1of1"}, "asks for 2 of 3"),
        ({"shares": "2of2"}, "asks for 2 of 3"),
        ({"shares": "two"}, "not understood"),
        ({"shares": ["2of3", "2of3"], "groups": 3}, "not as many groups"),
        ({"profile": "nowhere"}, "no policy profile"),
        ({"out": None}, "has a folder for its keys"),
        ({"preset": "reveal-1"}, "preset is not known"),
        ({"share_files": None}, "at a terminal only"),
    ],
)
def test_ceremonies_that_do_not_begin(
    tmp_path: Path, capsys: Printed, options: dict[str, object], said: str
) -> None:
    given: dict[str, object] = {
        "profile": "demo",
        "preset": NOOP,
        "out": tmp_path / "keys",
        "share_files": tmp_path / "shares",
    }
    assert command("custodian", "ceremony", **{**given, **options}) == 1
    assert said in only_error(capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_groups_of_custodians(tmp_path: Path) -> None:
    done = command(
        *("custodian", "ceremony"),
        profile="demo",
        preset=NOOP,
        out=tmp_path / "keys",
        shares=["2of3", "1of1"],
        groups=2,
        share_files=tmp_path / "shares",
    )
    assert done == 0
    first, second, third, lone = written(tmp_path / "shares")
    assert opens(tmp_path / "keys", [first, third, lone])
    with pytest.raises(WrongShare):
        opens(tmp_path / "keys", [first, second, third])


def test_a_ceremony_that_is_killed_leaves_no_keys(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    arguments = ("custodian", "ceremony", "--profile", "demo", "--preset", NOOP, "--out", keys)
    for step in range(4):
        with terminal(*arguments) as screen:
            screen.expect("Is all of this so?")
            screen.type("y")
            for _ in range(min(step, 2)):
                take(screen)
            screen.expect("Press Enter")
            if step == 3:
                screen.type("")
                screen.expect("then press Enter")
            screen.process.kill()
        assert not keys.exists()


STEPS = """
import json, os, signal, sys
from pathlib import Path
from blindwatch.cli.main import run

base, states = Path(sys.argv[1]), []

def ceremony(name, shares):
    return run(["custodian", "ceremony", "--profile=demo", "--preset=%s" % sys.argv[2], f"--out={base / name}",
                f"--share-files={base / shares}"])

def watch(left):
    def hook(event, args):
        nonlocal left
        if event in {"open", "os.mkdir", "os.rename", "shutil.rmtree"} and str(base) in str(args[:2]):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

killed = True
while killed:
    step = len(states)
    child = os.fork()
    if not child:
        watch(step)
        os._exit(ceremony(f"keys-{step}", f"shares-{step}"))
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    states.append((base / f"keys-{step}").exists())
    again = ceremony(f"keys-{step}", f"again-{step}")
    assert (again == 0) != states[-1]
(base / "states.json").write_text(json.dumps(states))
"""


def test_killed_before_every_step_there_are_all_keys_or_none(tmp_path: Path) -> None:
    """Each time the process makes or opens something, it is killed; afterwards the ceremony can be held again."""
    subprocess.run([sys.executable, "-c", STEPS, tmp_path, NOOP], check=True, capture_output=True)
    states = json.loads((tmp_path / "states.json").read_text())
    # It was killed while all was still to come, and after all was done, and went from the one to the other once.
    assert states == sorted(states)
    assert states.count(False) > 10
    assert states.count(True) >= 2
    for step, there in enumerate(states):
        keys = tmp_path / f"keys-{step}"
        assert {path.name for path in keys.iterdir()} == KEYS
        assert opens(keys, written(tmp_path / f"{'shares' if there else 'again'}-{step}")[:2])
    assert not list(tmp_path.glob(".*"))
