"""The key ceremony and the release of a key, as people go through them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.custodian import ceremony
from blindwatch.custodian.handing import ToFiles
from blindwatch.errors import (
    BlindwatchError,
    ConfigurationError,
    MalformedMessage,
    NotAuthorised,
    OutsideWindow,
    StatementMismatch,
    WrongKey,
    WrongShare,
)
from blindwatch.he.presets import preset
from blindwatch.operator.unlocking import REQUEST, Request, unlock
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.releasing import Ask, Asking, answer, check_held, check_request
from blindwatch.secret.shares import WORDS, Group, Scheme, check, combine, split
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import KeyRequest, KeyShare, Window

from ..people import stamp
from ..serving import FORCE
from .running import MASTER, NOOP, command, only_error, write_shares
from .terminal import Terminal, terminal

if TYPE_CHECKING:
    Printed = pytest.CaptureFixture[str]

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WINDOW = Window(not_before=stamp(NOW), not_after=stamp(NOW + timedelta(hours=8)))
ASK = Ask("e.novak", "gate-4", "ab" * 32, WINDOW)
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
    with terminal(*arguments, "--out", keys, "--sheets", sheets) as screen:
        assert "no network" in screen.expect("Is all of this so?")
        assert not keys.exists()
        screen.type("y")
        shares = [take(screen, mistaken=number == 1) for number in range(3)]
        screen.expect("2 of 3 custodians open the secret key together.")
        assert screen.end() == 0
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
    assert all(page.count("<li></li>") == WORDS and "REHEARSAL" not in page for page in pages)


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


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.6, 0.9, 1.2])
def test_keys_are_there_whole_or_not_at_all(tmp_path: Path, delay: float) -> None:
    keys = tmp_path / "keys"
    arguments = ("custodian", "ceremony", "--profile", "demo", "--preset", NOOP, "--out", keys)
    with terminal(*arguments, "--share-files", tmp_path / "shares") as screen:
        screen.expect("tests only")
        time.sleep(delay * 0.1)
        screen.process.kill()
    if keys.exists():
        assert opens(keys, written(tmp_path / "shares")[:2])
        assert {path.name for path in keys.iterdir()} == {
            *(ceremony.ENCRYPTION, ceremony.EVALUATION, ceremony.DESCRIPTION, FILE)
        }


# The release


@pytest.fixture(scope="module")
def asking() -> Asking:
    return Asking.of(ASK, FORCE.identities["e.novak"])


SHARES = split(MASTER, Scheme((Group(2, 3),)))[0]


def answered(asking: Asking, number: int, custodian: str, signer: str = "") -> Envelope:
    wanted = KeyRequest.read(asking.request)
    return answer(asking.request, wanted, SHARES[number], custodian, FORCE.identities[signer or custodian])


def test_two_custodians_release_and_one_does_not(asking: Asking) -> None:
    first, second = answered(asking, 0, "a.khan"), answered(asking, 2, "c.ruiz")
    assert asking.open([first, second], FORCE.register) == MASTER
    for too_few in ([], [first], [first, first]):
        with pytest.raises(WrongShare):
            asking.open(too_few, FORCE.register)


def test_a_request_says_who_asks_for_what_and_until_when(asking: Asking) -> None:
    wanted = check_request(asking.request, FORCE.register, NOW)
    assert (wanted.operator, wanted.deployment, wanted.key_id) == ("e.novak", "gate-4", "ab" * 32)
    assert check_request(asking.request, FORCE.register, NOW + timedelta(hours=8, seconds=-1)) == wanted
    with pytest.raises(OutsideWindow):
        check_request(asking.request, FORCE.register, NOW + timedelta(hours=8))


@pytest.mark.parametrize("signer", ["a.khan", "d.silva", "server-1"])
def test_only_the_operator_it_names_asks(signer: str) -> None:
    with pytest.raises(NotAuthorised):
        check_request(Asking.of(ASK, FORCE.identities[signer]).request, FORCE.register, NOW)


def test_a_changed_request_is_not_answered(asking: Asking) -> None:
    payload = asking.request.payload.replace(b"gate-4", b"gate-5")
    with pytest.raises(NotAuthorised):
        check_request(Envelope(payload, asking.request.signatures), FORCE.register, NOW)


def test_a_request_without_a_real_key_is_not_answered() -> None:
    made = KeyRequest(
        deployment="gate-4", key_id="ab" * 32, operator="e.novak", window=WINDOW, public_key="AAAA"
    )
    with pytest.raises(MalformedMessage):
        check_request(FORCE.sign(made.envelope(), "e.novak"), FORCE.register, NOW)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda share: share.model_copy(update={"request_digest": "00" * 32}), StatementMismatch),
        (lambda share: share.model_copy(update={"custodian": "b.osei"}), NotAuthorised),
        (lambda share: share.model_copy(update={"custodian": "d.silva"}), NotAuthorised),
        (lambda share: share.model_copy(update={"sealed": "AAAA"}), WrongShare),
    ],
)
def test_answers_that_do_not_count(
    asking: Asking, change: Callable[[KeyShare], KeyShare], expected: type[BlindwatchError]
) -> None:
    changed = change(KeyShare.read(answered(asking, 0, "a.khan")))
    with pytest.raises(expected):
        asking.share(FORCE.sign(changed.envelope(), "a.khan"), FORCE.register)


def test_an_answer_opens_for_nobody_else(asking: Asking) -> None:
    """Neither another operator's program nor the same for another window opens what was sealed."""
    sealed = KeyShare.read(answered(asking, 0, "a.khan"))
    other = Asking.of(ASK, FORCE.identities["e.novak"])
    forwarded = sealed.model_copy(update={"request_digest": other.request.digest})
    with pytest.raises(WrongShare):
        other.share(FORCE.sign(forwarded.envelope(), "a.khan"), FORCE.register)


@pytest.mark.parametrize(("seconds", "held"), [(-1, False), (0, True), (28799, True), (28800, False)])
def test_the_key_is_held_for_its_window(seconds: int, held: bool) -> None:
    at = NOW + timedelta(seconds=seconds)
    if held:
        check_held(WINDOW, at)
    else:
        with pytest.raises(OutsideWindow):
            check_held(WINDOW, at)


def test_shares_come_through_a_folder(tmp_path: Path, capsys: Printed) -> None:
    hand_out = ToFiles(tmp_path / "shares")
    keys = ceremony.hold(preset(NOOP), Scheme((Group(2, 3),)), tmp_path / "keys", hand_out)
    folder, register = tmp_path / "release", FORCE.write_register(tmp_path / "register.toml")
    request = Request(
        "gate-4", keys.secret.key_id, 1.0, folder, FORCE.write_identity("e.novak", tmp_path / "e.pem")
    )
    done: list[SecretKey] = []

    def operate() -> None:
        held = unlock(tmp_path / "keys", [], request, FORCE.register)
        held.check()
        done.append(unwrap(held.wrapped, held.master))

    waiting = threading.Thread(target=operate)
    waiting.start()
    while not (folder / REQUEST).is_file():
        time.sleep(0.05)
    (folder / "noise.dsse.json").write_text("{}")
    for number, name in ((1, "a.khan"), (3, "b.osei")):
        assert waiting.is_alive()
        assert not done
        released = command(
            *("custodian", "release", "--yes"),
            request=folder / REQUEST,
            identity=FORCE.write_identity(name, tmp_path / f"{name}.pem"),
            register=register,
            share_file=tmp_path / "shares" / f"share-{number}",
            out=folder / f"{name}.dsse.json",
        )
        assert released == 0
    waiting.join(20)
    assert done == [keys.secret]
    assert list(folder.iterdir()) == []
    printed = capsys.readouterr()
    assert "gate-4" in printed.out
    assert "does not count" in printed.err
    assert not any(check(share)[:40] in printed.out + printed.err for share in written(tmp_path / "shares"))


def test_custodians_type_their_shares_where_the_operator_works(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    paths = write_shares(tmp_path / "shares")
    program = (
        "import sys, pathlib; from blindwatch.operator.unlocking import Request, unlock;"
        "held = unlock(pathlib.Path(sys.argv[1]), [], Request('gate-4', '', 1.0, None, None), None);"
        "print('opened', held.master.hex())"
    )
    (tmp_path / "keys" / FILE).write_bytes(b"")
    (tmp_path / "program.py").write_text(program)
    with terminal(tmp_path / "keys", program=(tmp_path / "program.py",)) as screen:
        screen.expect("Share 1, all words:")
        screen.type_hidden("academic academic")
        screen.expect("not a share")
        screen.expect("Share 1, all words:")
        screen.type_hidden(paths[0].read_text())
        screen.expect("Share 2, all words:")
        screen.type_hidden(paths[1].read_text())
        screen.expect(f"opened {MASTER.hex()}")
        assert paths[0].read_text()[:30] not in screen.shown


def test_a_wrong_file_and_the_right_shares(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"age-encryption.org/v1\n")
    held = unlock(tmp_path, write_shares(tmp_path / "shares"), Request("g", "", 1.0, None, None), None)
    with pytest.raises(WrongKey):
        unwrap(held.wrapped, held.master)


def test_a_release_needs_somebody_who_asks(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"")
    custodian = FORCE.write_identity("a.khan", tmp_path / "a.pem")
    for identity, register in ((None, FORCE.register), (custodian, None), (custodian, FORCE.register)):
        with pytest.raises(ConfigurationError):
            unlock(tmp_path, [], Request("gate-4", "", 1.0, tmp_path / "release", identity), register)
