"""Reading a bundle that somebody else made: bounded, and no foreign exception comes out of it."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import BlindwatchError
from blindwatch.he.presets import PRESETS
from blindwatch.he.ranked.presets import RANK_PRESETS
from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.catalogue import checks
from blindwatch.oversight.checks.findings import Verdict
from blindwatch.oversight.exporting import SECURITY
from blindwatch.wire import limits

from ..client.running import command
from ..serving import FORCE

if TYPE_CHECKING:
    from .conftest import Clean, Copy


def test_a_bundle_without_its_description_is_none(copy: Copy) -> None:
    (copy.bundle / "bundle.json").write_text("{}")
    with pytest.raises(BlindwatchError):
        Bundle.open(copy.bundle)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_are_not_followed(copy: Copy, kind: str) -> None:
    place = copy.bundle / "blobs" / "other"
    if kind == "link":
        place.symlink_to("/etc/hostname")
    else:
        os.mkfifo(place)
    with pytest.raises(BlindwatchError):
        Bundle.open(copy.bundle)


def test_a_file_over_its_limit_is_refused(copy: Copy) -> None:
    (copy.bundle / "mask-secret").write_bytes(bytes(33))
    with pytest.raises(BlindwatchError):
        _ = Bundle.open(copy.bundle).mask_secret
    (copy.bundle / "bundle.json").write_bytes(b" " * (limits.BUNDLE_INFO + 1))
    with pytest.raises(BlindwatchError):
        Bundle.open(copy.bundle)


def test_an_empty_bundle_proves_nothing(copy: Copy) -> None:
    for path in copy.bundle.rglob("*"):
        if path.is_file() and path.name != "bundle.json":
            path.unlink()
    found = copy.verify()
    assert found.of(Verdict.PASSED) == []
    assert [each.check.name for each in found.of(Verdict.FAILED)] == ["manifest", "operator-log"]
    assert found.facts.about == ()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_damaged_the_verifier_comes_to_its_end(copy: Copy, seed: int) -> None:
    """Bytes that are changed, files that are cut short or gone, in every folder but the ciphertexts'."""
    chance = random.Random(seed)  # noqa: S311 - repeatable damage
    paths = sorted(path for path in copy.bundle.rglob("*") if path.is_file() and path.parent.name != "blobs")
    hit = chance.sample(
        [path for path in paths if path.name != "bundle.json" and path.parent.name != "keys"], 4
    )
    for path in hit:
        data = bytearray(path.read_bytes())
        match chance.randrange(3):
            case 0:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                path.write_bytes(data)
            case 1:
                path.write_bytes(data[: chance.randrange(len(data))])
            case _:
                path.unlink()
    found = copy.verify()
    assert len(found.outcomes) == len(checks())
    assert b'"checks"' in found.to_json()


def test_a_register_of_strangers_passes_nothing_that_people_signed(copy: Copy, tmp_path: Path) -> None:
    from ..people import Force

    register = Force().write_register(tmp_path / "register.toml")
    assert command("oversight", "verify", str(copy.bundle), register=register) == 1


def test_export_keeps_to_one_deployment(clean: Clean, copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    deployment = clean.deployment
    token = deployment.server.folder / "oversight.token"
    code = command(
        "oversight",
        "export",
        str(copy.bundle),
        deployment="gate-5",
        server=deployment.server.address,
        token_file=token,
    )
    assert code != 0
    assert "the bundle of another deployment" in capsys.readouterr().err


def test_export_again_changes_nothing_that_is_there(clean: Clean, copy: Copy) -> None:
    def files() -> dict[str, bytes]:
        kept = [path for path in copy.bundle.rglob("*") if path.is_file() and "log/" not in str(path)]
        return {str(path): path.read_bytes() for path in kept if path.name != "bundle.json"}

    before = files()
    assert clean.deployment.export(copy.bundle) == 0
    assert files() == before
    assert copy.failed() == {}


def test_the_security_of_every_preset_is_said() -> None:
    assert set(SECURITY) == {*PRESETS, *RANK_PRESETS}
    real = PRESETS["reveal-128"]
    bits = sum(prime.bit_length() for prime in real.primes)
    assert f"N = {real.poly_degree}, {bits} bits" in SECURITY["reveal-128"]


def test_the_auditors_register_is_the_one_that_counts(copy: Copy) -> None:
    (copy.bundle / "register.toml").write_text("nonsense")
    assert copy.failed() == {}
    assert FORCE.register.people
