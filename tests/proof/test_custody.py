"""What each party of a deployment can open with all that it has, and what anybody can when it is over.

One estate under the profile of a police force, on photographs, with a real list and a real server, which somebody
with root and all tokens plunders. Whatever is found that might be a key is tried on whatever is sealed. Each time
something that does open is planted, so that opening nothing means something.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

import pytest
from shamir_mnemonic import Share

from blindwatch.errors import WrongKey, WrongShare
from blindwatch.secret.shares import combine, recover
from blindwatch.secret.wrapping import identity, unwrap

from ..client.running import command
from ..people import CREATOR
from ..serving import ServerProcess
from . import known, memory
from .estate import CUSTODIANS, OPERATOR, Estate, Photographs, make
from .keyring import Keyring
from .plunder import Loot, plunder
from .search import Search

pytestmark = pytest.mark.photographs


@pytest.fixture(scope="module")
def people(faces_dir: Path) -> Photographs:
    return Photographs.of(faces_dir / "lfw")


@pytest.fixture(scope="module")
def estate(people: Photographs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder = tmp_path_factory.mktemp("estate")
    (folder / "server").mkdir()
    with ExitStack() as stack:
        yield make(folder, ServerProcess(folder / "server", stack, workers=2), people)


@pytest.fixture(scope="module")
def loot(estate: Estate, people: Photographs) -> Loot:
    return plunder(estate, people)


@pytest.fixture(scope="module")
def wrapped(estate: Estate, loot: Loot) -> bytes:
    """A copy of the wrapped key from before the end."""
    return estate.wrapped


@pytest.fixture(scope="module")
def everything(loot: Loot) -> set[str]:
    """All that is sealed, of every kind."""
    kinds = {each.what.split()[0] for each in loot.sealed}
    assert kinds == {"list", "probe", "release"}
    return {each.what for each in loot.sealed}


# The server's administrator


def test_root_finds_no_template_no_score_and_no_key(loot: Loot) -> None:
    assert loot.secrets == set()
    assert loot.public == {"list", "probe"}  # which are found, so the search sees
    assert {each.what.split(" of ")[0].split(" as ")[0].split(",")[0] for each in loot.search.needles} >= {
        *known.KINDS
    }


def test_root_opens_nothing_with_all_that_is_there_and_a_copy_of_the_wrapped_key(
    estate: Estate, loot: Loot, wrapped: bytes
) -> None:
    attack = Keyring(estate.preset, set(loot.keyring.masters), wrapped={wrapped})
    assert loot.keyring.shares == set()
    assert loot.keyring.materials == loot.keyring.wrapped == set()
    assert attack.opened(loot.sealed) == set()
    # The secret of the masks and the keys that the server signs with are among what was tried.
    tried = [each["mask_secret"] for each in estate.rows() if "mask_secret" in each]
    assert [len(each) for each in tried] == [32]
    assert set(tried) <= attack.masters
    assert len(attack.masters) > 100
    looked = [place for place in loot.places if place.startswith("memory")]
    assert len(looked) == (6 if memory.can_read(estate.server.process.pid) else 0)  # three processes, twice


def test_nothing_that_a_token_gets_opens(loot: Loot) -> None:
    """They get statements, records and ciphertexts, all of which are part of the loot."""
    got = {place.split(": ")[0]: place[-3:] for place in loot.places if " gets " in place}
    assert got["operator gets /results"] == "200"
    assert got["custodian gets /results"] == got["oversight gets /results"] == "403"
    assert {status for place, status in got.items() if place.startswith("oversight gets /blobs")} == {"200"}
    assert {status for place, status in got.items() if place.startswith("operator gets /blobs")} == {"403"}
    assert {got[f"{role} gets /masks"] for role in ("custodian", "operator")} == {"403"}
    assert got["oversight gets /masks"] not in {"200", "403"}  # not before it is over


PLANTS: dict[str, Callable[[Estate], bytes]] = {
    "the secret key": lambda estate: b"a core dump" + estate.secret.material + b"goes on",
    "an identity": lambda estate: f"key={identity(estate.master)}\n".encode(),
    "the master secret in hexadecimal": lambda estate: f'{{"master": "{estate.master.hex()}"}}'.encode(),
    "two shares": lambda estate: " / ".join(map(estate.share, CUSTODIANS[1:])).encode(),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_key_that_is_left_on_the_server_opens_everything(
    estate: Estate, loot: Loot, wrapped: bytes, everything: set[str], plant: str, tmp_path: Path
) -> None:
    server = Path(shutil.copytree(estate.of("server"), tmp_path / "server"))
    with (server / "log").open("ab") as log:
        log.write(b"\n" + PLANTS[plant](estate) + b"\n")
    found = Estate(tmp_path, estate.server).keyring("server")
    found.wrapped.add(wrapped)
    assert found.opened(loot.sealed) == everything


# Custodians


@pytest.mark.parametrize("custodian", CUSTODIANS)
def test_one_custodian_opens_nothing_also_with_all_that_root_has(
    estate: Estate, loot: Loot, wrapped: bytes, custodian: str
) -> None:
    attack = estate.keyring(custodian)
    assert attack.shares == {estate.share(custodian)}
    attack.wrapped.add(wrapped)
    attack.masters |= loot.keyring.masters
    assert attack.opened(loot.sealed) == set()
    share = estate.share(custodian)
    with pytest.raises(WrongShare):
        combine([share])
    with pytest.raises(WrongShare, match="too few"):
        recover([share, share.upper()], lambda master: unwrap(wrapped, master))
    value = Share.from_mnemonic(share).value
    for guess in (value, hashlib.sha256(value).digest(), hashlib.sha256(share.encode()).digest(), bytes(32)):
        with pytest.raises(WrongKey):
            unwrap(wrapped, guess)


@pytest.mark.parametrize("two", list(combinations(CUSTODIANS, 2)), ids="+".join)
def test_any_two_custodians_open_everything(
    estate: Estate, loot: Loot, wrapped: bytes, everything: set[str], two: tuple[str, str]
) -> None:
    attack = estate.keyring(*two)
    attack.wrapped.add(wrapped)
    assert attack.opened(loot.sealed) == everything


HELD = (
    "eyebrow email academic acid adequate born single expect loud furl biology inform suitable hobo spill holy "
    "trial paper deliver argue single client losing advocate hour percent style envy pacific adjust filter "
    "anatomy extend"
)
HANDED_OUT = (
    "eyebrow email academic agency adequate laser muscle realize stick math mansion dish language kidney index "
    "declare expand wrist ajar salon camera scared grasp buyer width solution amuse tackle lair puny darkness "
    "genre hanger"
)
AS_WELL = (
    "eyebrow email academic agency acquire texture market standard training triumph yield withdraw friar fiction "
    "spark vocal lair hanger depict herd luck aquatic desktop loyalty modern firefly tendency therapy earth "
    "rapids unfair advocate lunch"
)


def test_a_share_does_not_say_which_secret_it_is_a_share_of() -> None:
    """Beside one share there are others that make up other secrets, one secret in 2^32, so 2^224 of them.

    That many, since SLIP-39 has 32 bits in a sharing by which a wrong secret is noticed. The third share here was
    found by trying as many.
    """
    assert combine([HELD, HANDED_OUT]) == bytes(range(32))
    assert (
        combine([HELD, AS_WELL]).hex() == "08adc2147cd2549c61c06a51dd1f97b5b1c6aeeefd30deb8e9b1fbb5c0321da9"
    )
    one, other = Share.from_mnemonic(HANDED_OUT), Share.from_mnemonic(AS_WELL)
    assert one.common_parameters() == other.common_parameters()
    assert (one.group_parameters(), one.index) == (other.group_parameters(), other.index)


# When it is over


@pytest.fixture(scope="module")
def closed(estate: Estate, wrapped: bytes, everything: set[str]) -> Path:
    """Everybody has done what they are to do at the end; the folder of the custodian's receipts."""
    made, operator = estate.of(CREATOR), estate.of(OPERATOR)
    receipts = made / "receipts"
    shutil.copy(estate.manifest_file, operator)
    code = command(
        *("deployment", "close", "--yes"),
        manifest=estate.manifest_file,
        keys=made / "keys",
        watchlist=made / "watchlist",
        photographs=made / "list",
        identity=made / "identity.pem",
        register=made / "register.toml",
        receipts=receipts,
        server=estate.server.address,
        token_file=made / "token",
    )
    assert code == 0
    code = command(
        *("operator", "forget", "--yes"),
        manifest=operator / estate.manifest_file.name,
        closing=receipts / "closing.dsse.json",
        keys=operator / "keys",
        entries=operator / "operator.json",
        identity=operator / "identity.pem",
        register=operator / "register.toml",
        receipts=operator / "receipts",
    )
    assert code == 0
    return receipts


def test_saved_ciphertexts_open_with_nothing_that_is_left(
    estate: Estate, loot: Loot, closed: Path, wrapped: bytes, everything: set[str]
) -> None:
    left = Loot(Keyring(estate.preset), loot.search)
    left.take_all(estate, "it is over")
    left.keyring.add(estate.files())
    assert len(left.keyring.shares) == len(CUSTODIANS)  # on paper, in earnest; they open nothing any more
    assert left.keyring.wrapped == left.keyring.materials == set()
    assert len(left.keyring.masters) > 100
    assert left.keyring.opened(loot.sealed) == set()
    # What makes the difference is the wrapped key.
    left.keyring.wrapped.add(wrapped)
    assert left.keyring.opened(loot.sealed) == everything


def test_no_folder_has_anything_of_anybody_any_more(estate: Estate, loot: Loot, closed: Path) -> None:
    found = {what.split(",")[0] for data in estate.files() for what in loot.search.whole(data)}
    assert found == {"share"}
    results = Search([needle for each in loot.sealed for needle in known.of_ciphertext(each.what, each.data)])
    assert results.needles
    assert not {what for data in estate.files() for what in results.whole(data)}


def test_the_server_keeps_what_an_audit_needs(estate: Estate, closed: Path) -> None:
    store = estate.server.store
    held = {path.name for path in store.iterdir()}
    assert held - {"blindwatch.sqlite3-wal", "blindwatch.sqlite3-shm"} == {
        *("blindwatch.sqlite3", "blobs", "prepared", "lock", "identity.pem"),
        *("log", "log.pem", "log.vkey", "head"),
    }
    assert not list((store / "blobs").iterdir())
    assert {path.name for path in (store / "prepared").iterdir()} <= {"lock"}
    about_it = [row for row in estate.rows() if {"deployment", "id"} & row.keys()]
    assert [set(row) >= {"manifest_digest", "mask_secret", "receipt"} for row in about_it] == [True]


@pytest.mark.parametrize(("nominal", "answer"), [("NR/0003/26", "yes"), ("NR/0099/26", "no")])
def test_whether_somebody_was_listed_is_answered_all_the_same(
    closed: Path, nominal: str, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"membership": closed / "membership.json", "key": closed / "membership.key"}
    assert command("custodian", "was-listed", nominal=nominal, **files) == 0
    assert capsys.readouterr().out.startswith(answer)
