"""Cosignatures: a witness has seen a log grow up to a checkpoint, after C2SP tlog-cosignature v1.0.1 (Ed25519)."""

from __future__ import annotations

from typing import Final

from blindwatch.errors import CosignatureMissing, UntrustedCheckpoint
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.encoding import LARGEST
from blindwatch.tlog.keys import Signer, VerifierKey
from blindwatch.tlog.notes import NoteSignature, values_of

_TIME_BYTES: Final = 8


def cosign(checkpoint: Checkpoint, witness: Signer, now: int) -> NoteSignature:
    """The cosignature of a witness at a time, in seconds of POSIX."""
    value = now.to_bytes(_TIME_BYTES) + witness.sign(_message(checkpoint, now))
    return NoteSignature.by(witness.verifier, value)


def check_cosignature(signed: SignedCheckpoint, witness: VerifierKey) -> int:
    """When the witness cosigned last; raises CosignatureMissing, or UntrustedCheckpoint if one does not hold."""
    values = values_of(signed.signatures, witness)
    if not values:
        raise CosignatureMissing(missing=[witness.name])
    return max(_checked(signed.checkpoint, value, witness) for value in values)


def _checked(checkpoint: Checkpoint, value: bytes, witness: VerifierKey) -> int:
    time = int.from_bytes(value[:_TIME_BYTES])
    if time > LARGEST:
        raise UntrustedCheckpoint("A cosignature has no valid time.")
    witness.verify(_message(checkpoint, time), value[_TIME_BYTES:])
    return time


def _message(checkpoint: Checkpoint, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()
