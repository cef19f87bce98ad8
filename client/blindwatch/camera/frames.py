"""A frame of a video, while it is in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from blindwatch.vision.image import Image


@dataclass(frozen=True)
class Frame:
    """One picture. `at` are seconds on the clock of its source, `taken` on the monotonic clock of this machine."""

    image: Image = field(repr=False)
    at: float
    taken: float
    captured_at: str
    """The time of day, as messages carry it."""

    def wipe(self) -> None:
        """Overwrite the pixels."""
        self.image.fill(0)


@dataclass(frozen=True)
class Shot:
    """The best view of a face so far, with little around it."""

    track: int
    crop: Image = field(repr=False)
    """As it is embedded."""
    portrait: Image = field(repr=False)
    """As people compare it."""
    rank: float
    at: float
    taken: float
    captured_at: str

    def wipe(self) -> None:
        """Overwrite the pixels."""
        self.crop.fill(0)
        self.portrait.fill(0)
