"""`python -m blindwatch.opinion.keyholder FOLDER DIGEST`: the process that holds the TFHE keys, in Concrete ML's
environment.

It makes keys when it starts, keeps the secret ones in memory alone, and ends with its input. First it writes the
evaluation keys; then for each pair of templates a comparison to send, and for each answer
the bit in it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from concrete.ml.deployment import FHEModelClient

from blindwatch.errors import BlindwatchError, WorkerLost
from blindwatch.he.tfhe import artefacts
from blindwatch.he.tfhe.circuit import triangular
from blindwatch.opinion import frames
from blindwatch.wire.opinions import (
    OpinionAnswer,
    OpinionKeys,
    OpinionRequest,
    Pair,
    SealedTemplate,
    Template,
    Verdict,
)


class KeyHolder:
    """Keys for one circuit, made anew."""

    def __init__(self, folder: Path, circuit: str) -> None:
        artefacts.check(folder, circuit)
        self._circuit = circuit
        self._client = FHEModelClient(str(folder))
        self._client.generate_private_and_evaluation_keys()

    def evaluation_keys(self) -> OpinionKeys:
        """What an evaluator needs."""
        return OpinionKeys(circuit=self._circuit, keys=self._client.get_serialized_evaluation_keys())

    def seal(self, pair: Pair) -> OpinionRequest:
        """A pair, encrypted with fresh randomness."""
        sealed = self._client.client.encrypt(*_numbers(pair.probe), *_numbers(pair.entry), pair.threshold)
        probe, probe_triangles, entry, entry_triangles, threshold = (part.serialize() for part in sealed)
        return OpinionRequest(
            circuit=self._circuit,
            probe=SealedTemplate(values=probe, triangles=probe_triangles),
            entry=SealedTemplate(values=entry, triangles=entry_triangles),
            threshold=threshold,
        )

    def open(self, answer: OpinionAnswer) -> Verdict:
        """The bit in an answer."""
        return Verdict(match=bool(self._client.deserialize_decrypt(answer.verdict)))


def _numbers(template: Template) -> tuple[Any, int]:
    values = np.array(template, dtype=np.int64)
    return values, int(triangular(values).sum())


def serve(holder: KeyHolder, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer pairs and answers, in turn, until the source ends."""
    frames.write(sink, holder.evaluation_keys().to_cbor())
    while True:
        try:
            message = frames.read(source, Pair.limit)
        except WorkerLost:
            return
        request = holder.seal(Pair.from_cbor(message))
        del message  # templates in clear, which are not to be kept until the next pair comes
        frames.write(sink, request.to_cbor())
        answer = OpinionAnswer.from_cbor(frames.read(source, OpinionAnswer.limit))
        frames.write(sink, holder.open(answer).to_cbor())


def main() -> int:
    """Serve on standard input and output."""
    # What Concrete prints must not get between the messages.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(KeyHolder(Path(sys.argv[1]), sys.argv[2]), sys.stdin.buffer, sink)
    except BlindwatchError as error:
        print(error.detail, file=sys.stderr)  # noqa: T201 - what started this shows it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
