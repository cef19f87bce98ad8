"""Looking at the photographs of a list: one after the other, so that only what becomes of them stays in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from blindwatch.cli import files
from blindwatch.custodian.entries import Entry
from blindwatch.custodian.importing import refuse
from blindwatch.custodian.likeness import SAME_PHOTOGRAPH, Likeness, Pair
from blindwatch.custodian.quality import Quality, measure
from blindwatch.errors import Fault, InputError
from blindwatch.vision import image
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import portrait

_WHO: Final = "Find out who is in the photograph, and correct or remove a row."


@dataclass(frozen=True)
class View:
    """What a photograph gave: nothing of it may be written in clear, but for the measures of its quality."""

    entry: Entry
    digest: str
    """SHA-256 of the file."""
    quality: Quality
    embedding: Embedding
    portrait: bytes = field(default=b"", repr=False)
    """JPEG, for the eyes of the operator and of the custodian."""


class Viewing:
    """Looks at one photograph after the other and collects what is wrong with them."""

    def __init__(self, pipeline: FacePipeline) -> None:
        self._pipeline = pipeline
        self._likeness: Likeness | None = None
        self._first: dict[str, Entry] = {}
        self.views: list[View] = []
        self.faults: list[Fault] = []

    def look(self, entry: Entry) -> None:
        """Look at the photograph of an entry; what is wrong with it is noted as a fault."""
        try:
            data = files.read_at_most(entry.image, image.MAX_BYTES, "photograph")
            pixels = image.load(data)
            faces = self._pipeline.faces(pixels)
        except InputError as error:
            self.faults.append(Fault(entry.row, "image", error.detail, error.hint))
            return
        face, digest = faces[0], hashlib.sha256(data).hexdigest()
        view = View(entry, digest, measure(faces), face.embedding, portrait(pixels, face.landmarks))
        self._judge(view)
        self.views.append(view)

    def compare(self) -> Iterator[int]:
        """Compare all people with each other; yields the entries that each step has dealt with."""
        people = [view.entry.nominal_ref for view in self.views]
        self._likeness = Likeness(people, self._pipeline.operating_point)
        if self.views:
            yield from self._likeness.compare(self.embeddings)
        for pair in self._likeness.pairs:
            first, second = self.views[pair.first], self.views[pair.second]
            if pair.similarity >= SAME_PHOTOGRAPH and first.digest != second.digest:
                wrong = f"It shows the face of row {first.entry.row}, in a copy of that photograph."
                self.faults.append(Fault(second.entry.row, "image", wrong, _WHO))

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """All embeddings, of shape (n, d)."""
        return np.stack([view.embedding for view in self.views])

    @property
    def likeness(self) -> Likeness:
        """The people who are alike, once they are compared."""
        if self._likeness is None:
            raise ValueError("nobody is compared yet")
        return self._likeness

    def entries_of(self, pair: Pair) -> tuple[Entry, Entry]:
        """The entries of a pair."""
        return self.views[pair.first].entry, self.views[pair.second].entry

    def check(self) -> None:
        """Refuse the list if anything was wrong with a photograph."""
        refuse(self.faults)

    def _judge(self, view: View) -> None:
        entry, fault = view.entry, self.faults.append
        before = self._first.setdefault(view.digest, entry)
        if before.nominal_ref != entry.nominal_ref:
            fault(
                Fault(
                    entry.row, "image", f"It is the photograph of row {before.row}, of somebody else.", _WHO
                )
            )
        elif before is not entry:
            fault(
                Fault(entry.row, "image", f"It is the photograph of row {before.row} again.", "Remove a row.")
            )
        if entry.quality_override is None:
            remedy = "Take a better photograph, or give a reason in quality_override."
            self.faults += [Fault(entry.row, "image", wrong, remedy) for wrong in view.quality.shortcomings()]
