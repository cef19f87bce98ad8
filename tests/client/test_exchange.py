"""Shares that come to an operator through a folder, from files or from hands: enough open, and fewer never."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shamir_mnemonic import Share

from blindwatch.custodian import ceremony
from blindwatch.custodian.handing import ToFiles
from blindwatch.errors import (
    ConfigurationError,
    CosignatureMissing,
    OutsideWindow,
    WrongKey,
    WrongShare,
)
from blindwatch.he.presets import preset
from blindwatch.operator.exchange import REQUEST
from blindwatch.operator.unlocking import unlock
from blindwatch.records import gating
from blindwatch.records.server import DeploymentAccepted, Started
from blindwatch.secret.releasing import ACCEPTED, Ask, Asking
from blindwatch.secret.shares import check, split
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Window
from blindwatch.tlog.keys import Signer, Use
from blindwatch.wire.messages import Logged

from ..people import Force, a_manifest, a_watchlist, stamp
from ..proving import acceptance, proven
from ..serving import FORCE
from .office import TWO_OF_THREE, Office, approved
from .running import NOOP, only_error
from .terminal import terminal

if TYPE_CHECKING:
    Printed = pytest.CaptureFixture[str]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    keys = ceremony.hold(preset(NOOP), TWO_OF_THREE, tmp_path / "keys", ToFiles(tmp_path / "shares"))
    FORCE.write_register(tmp_path / "register.toml")
    for name in ("a.khan", "b.osei", "c.ruiz", "d.silva", "e.novak"):
        FORCE.write_identity(name, tmp_path / f"{name}.pem")
    (tmp_path / "manifest.json").write_bytes(approved(keys.secret.key_id).to_json())
    return Office(tmp_path, keys)


def test_one_releases_nothing_and_two_release_the_key(office: Office, capsys: Printed) -> None:
    waiting = office.start()
    (office.exchange / "half.dsse.json").write_text("{")
    assert office.release("a.khan", office.shares[0]) == 0
    time.sleep(0.6)
    assert waiting.is_alive()
    # The same custodian again, with the second share: still one person.
    assert office.release("a.khan", office.shares[1]) == 0
    time.sleep(0.6)
    assert waiting.is_alive()
    assert office.release("b.osei", office.shares[2]) == 0
    waiting.join(30)
    (secret,) = office.done
    assert (secret.key_id, secret.material) == (office.keys.secret.key_id, office.keys.secret.material)
    assert [path.name for path in office.exchange.iterdir()] == ["half.dsse.json"]
    printed = capsys.readouterr()
    for said in ("gate-4", "e.novak", office.keys.secret.key_id):
        assert said in printed.out
    for said in ("does not count", "a.khan has answered", "too few shares"):
        assert said in printed.err
    assert not any(check(share)[:40] in printed.out + printed.err for share in office.shares)


def test_a_wrong_share_keeps_nobody_from_opening(office: Office, capsys: Printed) -> None:
    """One that is forged, or of another ceremony, is told by not opening; the others still do."""
    forged = replace(Share.from_mnemonic(office.shares[0].strip()), value=bytes(32)).mnemonic()
    waiting = office.start()
    for name, words in (("a.khan", forged), ("b.osei", office.shares[1])):
        assert office.release(name, words) == 0
        assert office.taken()
    assert waiting.is_alive()
    assert office.release("c.ruiz", office.shares[2]) == 0
    waiting.join(30)
    assert [secret.key_id for secret in office.done] == [office.keys.secret.key_id]
    assert "not what was handed out" in capsys.readouterr().err


def test_more_than_enough_open_as_well(office: Office) -> None:
    waiting = office.start()
    names = ("a.khan", "b.osei", "c.ruiz")
    for name, words in zip(names, office.shares, strict=True):
        # They arrive in the folder together.
        assert office.release(name, words, out=office.folder / f"{name}.later") == 0
    for name in names:
        (office.folder / f"{name}.later").rename(office.exchange / f"{name}.dsse.json")
    waiting.join(30)
    assert [secret.key_id for secret in office.done] == [office.keys.secret.key_id]


def test_an_operator_whose_time_runs_out_gets_nothing(office: Office) -> None:
    waiting = office.start(hours=1.5 / 3600)
    waiting.join(30)
    assert not office.done
    assert [type(error) for error in office.failed] == [OutsideWindow]
    assert list(office.exchange.iterdir()) == []


@pytest.mark.parametrize(
    ("custodian", "changes", "said"),
    [
        ("d.silva", {}, "Only a custodian"),
        ("e.novak", {}, "Only a custodian"),
        ("a.khan", {"manifest": "other.json"}, "another deployment"),
        ("a.khan", {"manifest": "draft.json"}, "approval of 0"),
        ("a.khan", {"out": "register.toml"}, "a file already"),
        ("a.khan", {"share_file": "manifest.json"}, "share"),
    ],
)
def test_releases_that_are_refused(
    office: Office, capsys: Printed, custodian: str, changes: dict[str, str], said: str
) -> None:
    (office.folder / "other.json").write_bytes(approved().to_json())
    (office.folder / "draft.json").write_bytes(
        FORCE.sign(Envelope(approved(office.keys.secret.key_id).payload), "a.khan").to_json()
    )
    now = datetime.now(UTC)
    window = Window(not_before=stamp(now), not_after=stamp(now + timedelta(minutes=30)))
    asked = Asking.of(
        Ask("e.novak", "gate-4", office.keys.secret.key_id, FORCE.profile.digest, window),
        FORCE.identities["e.novak"],
    )
    office.exchange.mkdir()
    (office.exchange / REQUEST).write_bytes(asked.request.to_json())
    (office.exchange / ACCEPTED).write_bytes(office.request().accepted.to_cbor())
    paths = {name: office.folder / value for name, value in changes.items()}
    assert office.release(custodian, office.shares[0], **paths) == 1
    assert said in only_error(capsys.readouterr().err)
    assert sorted(path.name for path in office.exchange.iterdir()) == [ACCEPTED, REQUEST]


OTHER_LOG = Signer.generate("server-1.test/log", Use.LOG)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        pytest.param(lambda _: None, "cannot be read", id="no proof"),
        pytest.param(lambda _: Logged(record=b"", proof=b"c2sp.org"), "not a proof", id="no format"),
        pytest.param(
            lambda each: proven(each, OTHER_LOG), "known key is not valid|not signed", id="other log"
        ),
        pytest.param(
            lambda each: replace_record(proven(each, FORCE.log)), "does not show", id="another record's proof"
        ),
        pytest.param(
            lambda each: proven(each.model_copy(update={"manifest": "ab" * 32}), FORCE.log),
            "does not have that this manifest was accepted",
            id="other manifest",
        ),
        pytest.param(
            lambda each: proven(each.model_copy(update={"version": 2}), FORCE.log),
            "does not have that this manifest was accepted",
            id="other version",
        ),
        pytest.param(
            lambda each: proven(Started(at=each.at, software="x"), FORCE.log),
            "does not have that this manifest was accepted",
            id="other kind",
        ),
    ],
)
def test_nothing_is_released_before_the_log_has_the_deployment(
    office: Office, capsys: Printed, made: Callable[[DeploymentAccepted], Logged | None], said: str
) -> None:
    waiting = office.start(hours=8 / 3600)
    (office.exchange / ACCEPTED).unlink()
    logged = made(acceptance(office.manifest))
    if logged is not None:
        (office.exchange / ACCEPTED).write_bytes(logged.to_cbor())
    capsys.readouterr()
    assert office.release("a.khan", office.shares[0]) == 1
    assert re.search(said, only_error(capsys.readouterr().err))
    waiting.join(30)
    assert not office.done


def replace_record(logged: Logged) -> Logged:
    return logged.model_copy(update={"record": logged.record.replace(b"gate-4", b"gate-5")})


def test_nothing_is_released_without_the_witnesses_of_the_manifest() -> None:
    """The profile of a police force asks for a witness; a proof without its cosignature is none."""
    force = Force("uk-met")
    listed = a_watchlist(force)
    manifest = force.manifest(a_manifest(force, listed, force.watchlist(listed)))
    content, record = DeploymentManifest.read(manifest), acceptance(manifest)
    other = Signer.generate(force.witness.verifier.name, Use.WITNESS)
    for logged in (proven(record, force.log), proven(record, force.log, other)):
        with pytest.raises(CosignatureMissing):
            gating.accepted(logged, manifest.digest, content)
    assert gating.accepted(proven(record, force.log, force.witness), manifest.digest, content) == record


def test_custodians_type_their_shares_where_the_operator_works(office: Office) -> None:
    program = office.folder / "program.py"
    program.write_text(
        "import sys, pathlib; from blindwatch.operator.unlocking import Request, unlock;"
        "from blindwatch.secret.wrapping import unwrap; from blindwatch.wire.messages import Logged;"
        "request = Request('gate-4', '', '', 1.0, None, None, Logged(record=b'', proof=b''));"
        "secret = unlock(pathlib.Path(sys.argv[1]), [], request, None, unwrap);"
        "print('opened', secret.key_id)"
    )
    with terminal(office.folder / "keys", program=(program,)) as screen:
        for number, words, then in (
            (1, "academic academic", "not a share"),
            (1, "academic acedamic", "Word 2 is not"),
            (1, split(bytes(32), TWO_OF_THREE)[0][0], "too few"),
            (2, office.shares[0], "different ceremonies"),
            (3, office.shares[2], f"opened {office.keys.secret.key_id}"),
        ):
            screen.expect(f"Share {number}, all words:")
            screen.type_hidden(words.strip())
            screen.expect(then)
        assert office.shares[0][:30] not in screen.shown


# K10: one custodian of two in three


def test_one_share_and_everything_else_there_is_opens_nothing(office: Office) -> None:
    """A custodian has a share, the keys folder and the program, and may make up any other shares."""
    own = Share.from_mnemonic(office.shares[0].strip())
    made_up = [
        replace(own, index=index, value=value).mnemonic() for index, value in ((1, bytes(32)), (2, own.value))
    ]
    wrapped = (office.folder / "keys" / FILE).read_bytes()
    for shares in ([], made_up, made_up[:1], made_up[1:]):
        (office.folder / "mine").mkdir(exist_ok=True)
        paths = []
        for number, words in enumerate([office.shares[0].strip(), *shares]):
            paths.append(office.folder / "mine" / str(number))
            paths[-1].write_text(words)
        request = replace(office.request(), folder=None)
        with pytest.raises(WrongShare):
            unlock(office.folder / "keys", paths, request, None, unwrap)
    # Nor is the share itself, or a part of the files beside it, what opens the key.
    for guess in (own.value, bytes(32), wrapped[-32:]):
        with pytest.raises(WrongKey):
            unwrap(wrapped, guess)
    for path in (office.folder / "keys").iterdir():
        assert own.value not in path.read_bytes()


def test_a_wrong_file_and_the_right_shares(office: Office) -> None:
    (office.folder / "keys" / FILE).write_bytes(b"age-encryption.org/v1\n")
    paths = sorted((office.folder / "shares").iterdir())[:2]
    with pytest.raises(WrongKey):
        unlock(office.folder / "keys", paths, replace(office.request(), folder=None), None, unwrap)


def test_a_release_needs_an_operator_who_asks(office: Office) -> None:
    for name, register in (("e.novak", None), ("", FORCE.register), ("a.khan", FORCE.register)):
        identity = office.folder / f"{name}.pem" if name else None
        with pytest.raises(ConfigurationError):
            unlock(office.folder / "keys", [], replace(office.request(), identity=identity), register, unwrap)
        assert not office.exchange.exists()
