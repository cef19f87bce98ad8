"""Changing a bundle as somebody would who wants it to say something else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blindwatch.records.reading import server_record
from blindwatch.records.record import Record, minute
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import instant
from blindwatch.statements.statement import Predicate
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.cosignatures import cosign
from blindwatch.tlog.following import verify_whole
from blindwatch.tlog.log import Log
from blindwatch.tlog.tiles import join_bundle, split_bundle

from ..serving import FORCE


def entries(bundle: Path) -> list[bytes]:
    """All entries of a bundle's log."""
    found: list[bytes] = []
    verify_whole(bundle / "log", FORCE.log.verifier, lambda _, more: found.extend(more))
    return found


def rewrite(bundle: Path, change: Callable[[list[bytes]], None]) -> None:
    """Change entries in their file, and nothing that was signed."""
    (path,) = (bundle / "log" / "tile" / "entries").rglob(f"{len(entries(bundle))}")
    held = list(split_bundle(path.read_bytes()))
    change(held)
    path.write_bytes(join_bundle(held))


def relog(bundle: Path, held: Sequence[bytes], at: datetime | None = None) -> None:
    """Another log with the same key, cosigned at the time of its newest record or at another: a dishonest server."""
    site, head = bundle.with_name("site"), bundle.with_name("head")
    Log.create(site, head, FORCE.log)
    with Log(site, head, FORCE.log) as log:
        log.append(held)
        signed = log.checkpoint
    times = [instant(server_record(entry).at) for entry in held if entry[:1] != b"?"]
    seen = at or max(times) + timedelta(seconds=30)
    given = cosign(signed.checkpoint, FORCE.witness, int(seen.timestamp()))
    (site / "checkpoint").write_bytes(signed.with_signatures([given]).to_bytes())
    shutil.rmtree(bundle / "log")
    site.rename(bundle / "log")


def append(bundle: Path, *records: Record | bytes) -> None:
    """Records after all others."""
    relog(bundle, [*entries(bundle), *(_entry(each) for each in records)])


def newest(bundle: Path) -> datetime:
    """The time of the last record."""
    return instant(server_record(entries(bundle)[-1]).at)


def later(bundle: Path, **by: float) -> str:
    """A time after the last record, as records have it."""
    return minute(newest(bundle).astimezone(UTC) + timedelta(**by))


def checkpoint(bundle: Path) -> SignedCheckpoint:
    return SignedCheckpoint.parse((bundle / "log" / "checkpoint").read_bytes())


def paper(bundle: Path, name: str) -> Path:
    """The one statement whose file begins like this."""
    (path,) = (bundle / "statements").glob(f"{name}*")
    return path


def unsigned(path: Path, *names: str) -> None:
    """Take the signatures of people off a statement."""
    envelope = Envelope.from_json(path.read_bytes())
    keys = {key for name in names for key in FORCE.identities[name].public.key_ids}
    left = tuple(each for each in envelope.signatures if each.key_id not in keys)
    path.write_bytes(Envelope(envelope.payload, left).to_json())


def add(bundle: Path, name: str, said: Predicate, *signers: str) -> None:
    """A statement more."""
    signed = FORCE.sign(said.envelope(), *signers)
    (bundle / "statements" / f"{name}.dsse.json").write_bytes(signed.to_json())


def _entry(each: Record | bytes) -> bytes:
    return each if isinstance(each, bytes) else each.to_cbor()
