"""What was changed, left out or put in afterwards is found, each for its own reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks import alert_limit
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import Verdict, carry_out
from blindwatch.oversight.replay import Replay
from blindwatch.policy.profile import profile
from blindwatch.records.operator import (
    Adjudicated,
    Alerted,
    AlertsHeldBack,
    ConsoleStarted,
    KeyForgotten,
    RetentionExecuted,
)
from blindwatch.records.record import Record
from blindwatch.records.server import AuditEnded, DeploymentDestroyed, ListLoaded, ProbeAccepted, Viewed
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Destroyed, Receipt, Tombstone
from blindwatch.statements.signing import Identity
from blindwatch.wire.messages import KeptProbe, Probe

from ..serving import FORCE
from . import tampering
from .deployments import manifest

if TYPE_CHECKING:
    from .conftest import Clean, Copy

NAME = "gate-4"
MOST = profile("demo").alerts_per_entry or 0


# The log


def test_a_deleted_row_is_named(copy: Copy) -> None:
    tampering.rewrite(copy.bundle, lambda held: held.__delitem__(20))
    failed = copy.failed()
    assert failed == {"log-whole": ("Entry 20 is not what the tree of the log has.",)}
    # Nothing that such a log says is relied on.
    assert len(copy.verify().of(Verdict.NOT_CHECKED)) == 19


def test_an_edited_row_is_named(copy: Copy) -> None:
    tampering.rewrite(copy.bundle, lambda held: held.__setitem__(4, held[4].replace(b"gate-1", b"gate-2")))
    assert copy.failed() == {"log-whole": ("Entry 4 is not what the tree of the log has.",)}


def test_rows_that_changed_places_are_named(copy: Copy) -> None:
    tampering.rewrite(copy.bundle, lambda held: held.__setitem__(slice(4, 6), held[5:3:-1]))
    assert copy.failed() == {"log-whole": ("Entry 4 is not what the tree of the log has.",)}


def _seen(copy: Copy) -> Copy:
    """The auditor has the newest checkpoint from before anybody tampered with it."""
    path = copy.bundle.with_name("newest")
    path.write_bytes(tampering.checkpoint(copy.bundle).to_bytes())
    return replace(copy, seen=(path,))


def test_a_truncated_log_is_told_from_an_older_copy(copy: Copy) -> None:
    known = _seen(copy)
    held = tampering.entries(copy.bundle)
    tampering.relog(copy.bundle, held[:-10])
    (fault,) = known.failed()["log-extends"]
    assert fault == f"The log has signed {len(held)} entries before, and has {len(held) - 10} now."


def test_one_record_less_is_told_by_an_older_copy_and_nothing_else(copy: Copy) -> None:
    known = _seen(copy)
    held = tampering.entries(copy.bundle)
    tampering.relog(copy.bundle, held[:-1])
    assert known.failed() == {
        "log-extends": (f"The log has signed {len(held)} entries before, and has {len(held) - 1} now.",)
    }


@pytest.mark.parametrize("grown", [False, True])
def test_a_forked_log_is_told_from_an_older_copy(copy: Copy, grown: bool) -> None:
    known = _seen(copy)
    held = tampering.entries(copy.bundle)
    other = Viewed(at=tampering.later(copy.bundle), deployment=NAME, what="kept-probe", count=1).to_cbor()
    tampering.relog(copy.bundle, [*held[:-1], other, *([other] if grown else [])])
    assert known.failed() == {
        "log-extends": (f"The log has signed two different histories of its first {len(held)} entries.",)
    }


def test_a_log_that_no_witness_has_seen(copy: Copy) -> None:
    path = copy.bundle / "log" / "checkpoint"
    signed = tampering.checkpoint(copy.bundle)
    path.write_bytes(replace(signed, signatures=signed.signatures_of(FORCE.log.verifier)).to_bytes())
    assert copy.failed() == {
        "log-witnessed": ("The checkpoint is not cosigned as it has to be: not by witness-1.",)
    }


def test_an_entry_that_is_no_record(copy: Copy) -> None:
    size = len(tampering.entries(copy.bundle))
    tampering.append(copy.bundle, b"?an image, perhaps")
    assert copy.failed() == {"records": (f"Entry {size} of the log is not a record.",)}


# The order of things, and clocks


def _probe(bundle: Path, **by: float) -> ProbeAccepted:
    return ProbeAccepted(
        at=tampering.later(bundle, **by),
        deployment=NAME,
        probe_id="ab" * 16,
        camera="gate-1",
        ciphertext="cd" * 32,
    )


def test_a_probe_that_is_taken_after_the_closing(copy: Copy) -> None:
    tampering.append(copy.bundle, _probe(copy.bundle, minutes=2))
    assert copy.failed()["lifecycle"][0].endswith("comes after the deployment was closed.")


def test_a_version_that_comes_back_into_force(copy: Copy) -> None:
    loaded = ListLoaded(
        at=tampering.later(copy.bundle),
        deployment=NAME,
        version=1,
        manifest="ab" * 32,
        watchlist="cd" * 32,
    )
    tampering.append(copy.bundle, loaded)
    assert "puts another version into force" in copy.failed()["lifecycle"][0]


def test_something_after_the_end_of_the_audit(copy: Copy) -> None:
    ended = AuditEnded(at=tampering.later(copy.bundle), deployment=NAME, kept=3)
    viewed = Viewed(at=tampering.later(copy.bundle), deployment=NAME, what="mask-secret", count=1)
    tampering.append(copy.bundle, ended, viewed)
    (fault,) = copy.failed()["lifecycle"]
    assert fault.endswith("comes after the audit had ended and everything was destroyed.")


def test_what_is_kept_longer_than_replay_may_take(copy: Copy) -> None:
    ended = AuditEnded(at=tampering.later(copy.bundle, hours=25), deployment=NAME, kept=3)
    tampering.append(copy.bundle, ended)
    assert copy.failed() == {
        "clocks": ("What replay needs was kept for more than 24 hours after the end of the deployment.",)
    }


def test_a_clock_that_goes_back(copy: Copy) -> None:
    back = Viewed(at=tampering.later(copy.bundle, minutes=-20), deployment=NAME, what="kept-probe", count=1)
    tampering.append(copy.bundle, back)
    failed = copy.failed()
    assert set(failed) == {"times"}
    assert failed["times"][0].startswith(f"Record {len(tampering.entries(copy.bundle)) - 1} is of ")


def test_a_clock_that_is_not_the_witnesses(copy: Copy) -> None:
    viewed = Viewed(at=tampering.later(copy.bundle, minutes=10), deployment=NAME, what="kept-probe", count=1)
    held = [*tampering.entries(copy.bundle), viewed.to_cbor()]
    when = tampering.newest(copy.bundle)
    tampering.relog(copy.bundle, held, when)
    (fault,) = copy.failed()["times"]
    assert "and one of them is of" in fault


# Papers


def test_a_manifest_that_lacks_its_approval(copy: Copy) -> None:
    tampering.unsigned(tampering.paper(copy.bundle, "manifest-2"), "d.silva")
    (fault,) = copy.failed()["manifest"]
    assert fault.startswith("Version 2: The manifest has the approval of 0 authorising officers")
    assert set(copy.failed()) == {"manifest"}


def test_a_list_that_nobody_signed(copy: Copy) -> None:
    tampering.unsigned(tampering.paper(copy.bundle, "watchlist"), "a.khan")
    assert set(copy.failed()) == {"watchlist"}


def test_a_removal_that_is_left_out(copy: Copy) -> None:
    tampering.paper(copy.bundle, "tombstone").unlink()
    failed = copy.failed()
    assert set(failed) == {"papers"}
    assert failed["papers"][0].endswith("names a removal that is not in the bundle.")


def test_a_removal_that_the_server_did_not_record(copy: Copy) -> None:
    first = Tombstone.read(Envelope.from_json(tampering.paper(copy.bundle, "tombstone").read_bytes()))
    second = first.model_copy(update={"sequence": 2, "removed": (3, 4)})
    tampering.add(copy.bundle, "tombstone-2", second, "b.osei")
    assert copy.failed() == {"papers": ("The log does not record 1 of the statements that the bundle has.",)}


def test_a_removal_that_is_taken_back(copy: Copy) -> None:
    first = Tombstone.read(Envelope.from_json(tampering.paper(copy.bundle, "tombstone").read_bytes()))
    second = first.model_copy(update={"sequence": 2, "removed": (4,)})
    tampering.add(copy.bundle, "tombstone-2", second, "b.osei")
    assert copy.failed()["removals"] == ("Removal 2: The removal does not go on from the one in force.",)


def test_a_challenge_of_somebody_else(copy: Copy) -> None:
    path = next((copy.bundle / "statements").glob("challenge-*"))
    tampering.unsigned(path, "o.ngo")
    failed = copy.failed()
    assert set(failed) == {"challenges"}
    assert "needs the signature of" in failed["challenges"][0]


# The end


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("receipt-c.ruiz", "No custodian has signed that the secret key is destroyed."),
        ("receipt-e.novak", "No operator has signed that their copy of the key is destroyed."),
        ("receipt-server-1", "The server's receipt, which the log names, is not in the bundle."),
    ],
)
def test_a_receipt_that_is_missing(copy: Copy, who: str, said: str) -> None:
    tampering.paper(copy.bundle, who).unlink()
    assert copy.failed() == {"teardown": (said,)}


def test_a_receipt_in_somebody_elses_name(copy: Copy) -> None:
    tampering.unsigned(tampering.paper(copy.bundle, "receipt-c.ruiz"), "c.ruiz")
    assert "The receipt of c.ruiz: The receipt is not signed by whom it names." in copy.failed()["teardown"]


def test_a_receipt_without_the_key(copy: Copy) -> None:
    path = tampering.paper(copy.bundle, "receipt-c.ruiz")
    receipt = Receipt.read(Envelope.from_json(path.read_bytes()))
    nothing = receipt.model_copy(update={"destroyed": (Destroyed(what="watchlist", count=9, size=1),)})
    path.unlink()
    tampering.add(copy.bundle, "receipt-c.ruiz", nothing, "c.ruiz")
    assert copy.failed() == {"teardown": ("No custodian has signed that the secret key is destroyed.",)}


def test_a_server_that_says_it_destroyed_something_else(copy: Copy) -> None:
    gone = DeploymentDestroyed(at=tampering.later(copy.bundle), deployment=NAME, receipt="ab" * 32)
    tampering.append(copy.bundle, gone)
    assert "The server's receipt, which the log names, is not in the bundle." in copy.failed()["teardown"]


# What was drawn


def _kept(copy: Copy) -> tuple[Path, KeptProbe, Probe]:
    path = min((copy.bundle / "kept").iterdir())
    kept = KeptProbe.from_cbor(path.read_bytes())
    return path, kept, Probe.from_cbor(kept.probe)


def test_a_probe_that_was_exchanged(copy: Copy, clean: Clean) -> None:
    path, kept, probe = _kept(copy)
    other = clean.deployment.trial.probe(9, probe_id=probe.probe_id).to_cbor()
    path.write_bytes(kept.model_copy(update={"probe": other}).to_cbor())
    assert copy.failed() == {
        "kept-probes": (f"Probe {probe.probe_id}: Its ciphertext is not the one that the log has accepted.",)
    }


def test_a_probe_that_its_camera_did_not_sign(copy: Copy) -> None:
    path, kept, probe = _kept(copy)
    path.write_bytes(kept.model_copy(update={"signature": bytes(64)}).to_cbor())
    assert copy.failed() == {
        "kept-probes": (f"Probe {probe.probe_id}: The signature is not for this request.",)
    }


def test_a_probe_that_is_kept_and_was_not_drawn(copy: Copy, clean: Clean) -> None:
    drawn = {path.stem for path in (copy.bundle / "kept").iterdir()}
    other = next(each.probe_id for each in clean.deployment.results if each.probe_id not in drawn)
    shutil.copy(_kept(copy)[0], copy.bundle / "kept" / f"{other}.cbor")
    assert f"Probe {other} was kept, and no challenge draws it." in copy.failed()["kept-probes"]


def test_a_probe_that_was_not_handed_over(copy: Copy) -> None:
    path, _, _ = _kept(copy)
    path.unlink()
    assert copy.failed() == {
        "kept-probes": (f"Probe {path.stem} was drawn and kept, and is not in the bundle.",)
    }


def test_another_secret_of_the_masks(copy: Copy) -> None:
    (copy.bundle / "mask-secret").write_bytes(bytes(32))
    assert copy.failed(Replay()) == {
        "replay": ("The secret of the masks is not the one that the server had committed to.",)
    }


def test_another_ciphertext_of_the_list(copy: Copy) -> None:
    path = min((copy.bundle / "blobs").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert all("cannot be computed again" in fault for fault in copy.failed(Replay())["replay"])


# What a search finds


def _face(store: Path) -> None:
    """A template in clear, as it would be in memory."""
    face = np.random.default_rng(1).normal(size=128)
    (store / "blobs" / "rest").write_bytes((face / np.linalg.norm(face)).astype("<f4").tobytes())


def _image(store: Path) -> None:
    """A photograph in a log."""
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    image = cv2.imencode(".jpg", pixels)[1].tobytes()
    (store / "server.log").write_bytes(b'{"event": "probe", "body": "' + image + b'"}')


def _key(store: Path) -> None:
    """A key of an earlier deployment."""
    (store / "old.pem").write_bytes(Identity.generate().to_pem())


@pytest.mark.parametrize(
    ("plant", "said"), [(_face, "vector"), (_image, "JPEG"), (_key, "key")], ids=["face", "image", "key"]
)
def test_what_a_search_of_the_store_finds(
    copy: Copy, clean: Clean, tmp_path: Path, plant: Callable[[Path], None], said: str
) -> None:
    store = Path(shutil.copytree(clean.deployment.server.store, tmp_path / "store"))
    plant(store)
    (copy.bundle / "scan.json").unlink()
    assert clean.deployment.scan(store, copy.bundle / "scan.json") == 1
    failed = copy.failed()
    assert set(failed) == {"scan"}
    assert all(said.lower() in fault.lower() for fault in failed["scan"])


# The operator


def _without(kind: type[Record]) -> object:
    def change(records: list[Record]) -> None:
        records.remove([each for each in records if isinstance(each, kind)][-1])

    return change


def _twice(records: list[Record]) -> None:
    final = [each for each in records if isinstance(each, Adjudicated)][-1]
    records.insert(-1, final.model_copy(update={"outcome": "lost"}))


def _of_no_result(records: list[Record]) -> None:
    place = next(place for place, each in enumerate(records) if isinstance(each, Alerted))
    records[place] = records[place].model_copy(update={"result": "ab" * 32})


def _never_sent(records: list[Record]) -> None:
    records[:] = [each for each in records if getattr(each, "outcome", "") not in {"sent", "engaged"}]


def _gone(place: int, *, early: bool = False) -> object:
    """Others are told that the alert in this place is gone, perhaps before there is an outcome."""

    def change(records: list[Record]) -> None:
        alerts = [each for each in records if isinstance(each, Alerted)]
        found = next(each for each in records if isinstance(each, RetentionExecuted))
        told = found.model_copy(update={"alert": alerts[place].alert})
        records.insert(records.index(alerts[place]) + 1 if early else len(records) - 1, told)

    return change


def _by_another_threshold(records: list[Record]) -> None:
    place = next(place for place, each in enumerate(records) if isinstance(each, ConsoleStarted))
    records[place] = records[place].model_copy(update={"version": 1})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_gone(0), "is gone was told more than once."),
        (_gone(1), "for which nobody was sent."),
        (_gone(2, early=True), "is gone was told before it had an outcome."),
        (_by_another_threshold, "of the manifest, which is not that version's."),
        (_never_sent, "was confirmed without having been sent to engagement."),
        (_without(Adjudicated), "has 0 final outcomes."),
        (_without(Alerted), "which was no alert."),
        (_without(KeyForgotten), "did not record that it was forgotten."),
        (_twice, "has 2 final outcomes."),
        (_of_no_result, "is of a result that the server's log does not have."),
    ],
)
def test_an_operators_log_that_does_not_add_up(
    copy: Copy, clean: Clean, tmp_path: Path, change: object, said: str
) -> None:
    shutil.rmtree(copy.bundle / "operator-log")
    site = clean.deployment.operator_log(tmp_path / "operator", change)  # type: ignore[arg-type]
    shutil.copytree(site, copy.bundle / "operator-log")
    failed = copy.failed()
    assert set(failed) == {"operator-log"}
    assert failed["operator-log"][0].endswith(said)


def _about_one(alerts: int, said: int) -> Callable[[list[Record]], None]:
    """So many alerts about one entry, and so many records that others were held back."""

    def change(records: list[Record]) -> None:
        (first, *_) = (each for each in records if isinstance(each, Alerted))
        held = AlertsHeldBack(at=first.at, deployment=first.deployment, entry=first.about[0], alerts=MOST)
        records += [first] * (alerts - 1) + [held] * said

    return change


@pytest.mark.parametrize(
    ("alerts", "said", "found"),
    [
        (MOST - 1, 0, ""),
        (MOST, 1, ""),
        (MOST + 1, 1, f"had {MOST + 1} alerts, and the profile allows {MOST}."),
        (MOST, 0, "no record says that others were held back."),
        (MOST - 1, 1, f"were held back, which had {MOST - 1} of {MOST}."),
        (MOST, 2, "is there 2 times."),
    ],
)
def test_more_alerts_about_one_entry_than_the_profile_allows(
    copy: Copy, clean: Clean, tmp_path: Path, alerts: int, said: int, found: str
) -> None:
    shutil.rmtree(copy.bundle / "operator-log")
    site = clean.deployment.operator_log(tmp_path / "operator", _about_one(alerts, said))
    shutil.copytree(site, copy.bundle / "operator-log")
    outcome = carry_out(alert_limit.CHECK, Case(Bundle.open(copy.bundle), FORCE.register))
    assert len(outcome.faults) == bool(found)
    assert all(fault.endswith(found) for fault in outcome.faults)
    assert sum("held back" in seen for seen in outcome.evidence) == said


def test_the_manifest_of_a_bundle_is_the_newest(clean: Clean) -> None:
    assert manifest(clean.bundle).version == 2
