"""A witness: cosigns the checkpoints of logs that it sees grow, after C2SP tlog-witness v1.0.0. No HTTP in here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, Self

from blindwatch.errors import InvalidProof, LogCorrupt, LogError, LogForked, MalformedLog, StaleCheckpoint
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.cosignatures import cosign
from blindwatch.tlog.evidence import Evidence
from blindwatch.tlog.keys import Signer, VerifierKey
from blindwatch.tlog.locking import lock
from blindwatch.tlog.notes import NoteSignature
from blindwatch.tlog.submissions import Submission
from blindwatch.tlog.witness_state import Record, WitnessState

_TEXT: Final = "text/plain; charset=utf-8"
_SIZE: Final = "text/x.tlog.size"


@dataclass(frozen=True)
class Answer:
    """What add-checkpoint answers over HTTP."""

    status: int
    content_type: str
    body: bytes


class Witness:
    """The state of a witness, open in one process, and its key."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        """Open the folder that `create` made; raises LogMissing or LogInUse."""
        self._lock = lock(folder)
        self._state = WitnessState(folder)
        self._signer = signer
        # A checkpoint is compared with the last one and takes its place without another in between.
        self._one_by_one = Lock()

    @staticmethod
    def create(folder: Path) -> None:
        """Make an empty state in a new folder."""
        WitnessState.create(folder)

    def add_log(self, log: VerifierKey) -> None:
        """Cosign for a log from now on; raises LogExists."""
        self._state.add(log)

    def cosigned(self, origin: str) -> SignedCheckpoint | None:
        """The newest checkpoint of a log that was cosigned, with the cosignature; raises UnknownLog."""
        return self._state.record(origin).cosigned

    def evidence(self) -> Iterator[Evidence]:
        """What speaks against logs."""
        return self._state.evidence()

    def add_checkpoint(self, submission: Submission, now: int) -> NoteSignature:
        """Cosign a checkpoint at a time in seconds of POSIX.

        Raises UnknownLog, UntrustedCheckpoint, MalformedLog, StaleCheckpoint, LogForked or InvalidProof.
        """
        with self._one_by_one:
            record = self._state.record(submission.signed.checkpoint.origin)
            checkpoint = submission.signed.verify(record.log)
            self._keep_contradiction(record, submission)
            _check_sizes(record, submission)
            self._check_proof(record, submission)
            cosignature = cosign(checkpoint, self._signer, now)
            known = SignedCheckpoint(checkpoint, submission.signed.signatures_of(record.log))
            self._state.replace(record.after(known.with_signatures([cosignature])))
            return cosignature

    def answer(self, body: bytes, now: int) -> Answer:
        """Answer the body of a request to add-checkpoint."""
        try:
            submission = Submission.parse(body)
            cosignature = self.add_checkpoint(submission, now)
        except StaleCheckpoint as error:
            return Answer(error.problem.status, _SIZE, f"{error.size}\n".encode())
        except LogForked as error:
            size = submission.signed.checkpoint.size
            return Answer(error.problem.status, _SIZE, f"{size}\n".encode())
        except LogCorrupt as error:
            # Of the witness's own state: what was sent is not to blame for it.
            return Answer(500, _TEXT, f"{error.detail}\n".encode())
        except LogError as error:
            return Answer(error.problem.status, _TEXT, f"{error.detail}\n".encode())
        return Answer(200, _TEXT, cosignature.line.encode())

    def close(self) -> None:
        """Let others open the state."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep_contradiction(self, record: Record, submission: Submission) -> None:
        """Keep a checkpoint that cannot stand beside the one cosigned, or is older and was never seen."""
        known, offered = record.cosigned, submission.signed.checkpoint
        if known is None or record.knows(offered):
            return
        same_tree = (offered.size, offered.root) == (known.checkpoint.size, known.checkpoint.root)
        if offered.size <= record.size and not same_tree:
            self._state.keep(_evidence(record, known, submission))

    def _check_proof(self, record: Record, submission: Submission) -> None:
        known, offered = record.cosigned, submission.signed.checkpoint
        if known is None or known.checkpoint.size == 0:
            if submission.proof or (offered.size == 0 and offered.root != merkle.EMPTY_ROOT):
                raise InvalidProof("The proof from the empty log is empty.")
            return
        try:
            merkle.verify_consistency(
                record.size, known.checkpoint.root, offered.size, offered.root, submission.proof
            )
        except InvalidProof:
            self._state.keep(_evidence(record, known, submission))
            raise


def _check_sizes(record: Record, submission: Submission) -> None:
    known, offered = record.cosigned, submission.signed.checkpoint
    if submission.old_size > offered.size:
        raise MalformedLog("The old size is larger than the checkpoint's.")
    if known and offered.size == known.checkpoint.size and offered.root != known.checkpoint.root:
        raise LogForked("The witness has cosigned another tree of this size.")
    if submission.old_size != record.size:
        raise StaleCheckpoint(size=record.size)


def _evidence(record: Record, known: SignedCheckpoint, submission: Submission) -> Evidence:
    return Evidence(record.log, known, submission.signed, submission.proof)
