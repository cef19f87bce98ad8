"""The face that was sealed with a probe: opened for a match, by the key that the server releases with it."""

from __future__ import annotations

from collections.abc import Sequence

from blindwatch.operator.reading import Match, Reader
from blindwatch.secret.crops import Opener
from blindwatch.wire import crops
from blindwatch.wire.messages import Result


class Crops:
    """Opens the faces of one deployment."""

    def __init__(self, deployment: str, reader: Reader, opener: Opener) -> None:
        self._deployment = deployment
        self._reader = reader
        self._opener = opener

    def open(self, result: Result, matches: Sequence[Match]) -> bytes | None:
        """The image, if there is a match; raises CipherError or OutsideWindow.

        The pieces of one entry's slot are decrypted whether there is a match or not: that takes longer than the
        rest together, and what a result holds should not show in how busy the operator's machine is.
        """
        entry = matches[0].entry if matches else 0
        pieces = self._reader.pieces(result.releases, entry)
        if not matches:
            return None
        bound = crops.bound_to(self._deployment, result.camera, result.probe_id)
        return self._opener.open(crops.unwrap(result.crop, crops.from_pieces(pieces), bound), bound)

    def forget(self) -> None:
        """Let go of the key; nothing is opened any more."""
        self._opener.forget()
