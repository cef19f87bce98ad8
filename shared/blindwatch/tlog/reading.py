"""A log as its readers see it: one checkpoint, and files that have to lead to it."""

from __future__ import annotations

from blindwatch.errors import InvalidProof, LogCorrupt, LogForked, LogRolledBack, MalformedLog
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.fetching import Fetch, Tiles, fetch_bundle
from blindwatch.tlog.keys import VerifierKey
from blindwatch.tlog.tiles import CHECKPOINT, WIDTH, split_bundle, tile_at
from blindwatch.wire import limits


def read_checkpoint(fetch: Fetch, log: VerifierKey) -> SignedCheckpoint:
    """The latest checkpoint of a log, with the signature of the log verified."""
    signed = SignedCheckpoint.parse(fetch(CHECKPOINT, limits.LOG_NOTE))
    signed.verify(log)
    return signed


class LogView:
    """The log at a checkpoint that the reader has verified."""

    def __init__(self, fetch: Fetch, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._fetch = fetch
        self._tiles = Tiles(fetch, checkpoint.size)

    def prove_inclusion(self, index: int) -> list[bytes]:
        """The audit path of an entry."""
        return merkle.prove_inclusion(self._tiles.node, index, self.checkpoint.size)

    def prove_consistency(self, old_size: int) -> list[bytes]:
        """The proof that the log extends what it was at a size; empty for the empty log."""
        if old_size == 0:
            return []
        return merkle.prove_consistency(self._tiles.node, old_size, self.checkpoint.size)

    def entry(self, index: int) -> bytes:
        """An entry that is proven to be in the log; raises InvalidProof, LogCorrupt or LogMissing."""
        proof = self.prove_inclusion(index)
        tile = tile_at(0, index // WIDTH, self.checkpoint.size)
        try:
            entry = list(split_bundle(fetch_bundle(self._fetch, tile)[0]))[index % WIDTH]
            leaf = merkle.leaf_hash(entry)
            merkle.verify_inclusion(index, self.checkpoint.size, leaf, proof, self.checkpoint.root)
        except (InvalidProof, MalformedLog, IndexError):
            raise LogCorrupt(f"Entry {index} is not the one that is in the log.", "", index, index) from None
        return entry

    def check_extends(self, old: Checkpoint) -> None:
        """Check that the log still has all it had at an older checkpoint, which the reader has verified too.

        Raises LogForked or LogRolledBack, and LogCorrupt if the tiles are not those of the checkpoint.
        """
        new = self.checkpoint
        if old.origin != new.origin:
            raise LogForked("The checkpoints are of different logs.")
        if old.size > new.size:
            raise LogRolledBack(f"The log has signed {old.size} entries before, and has {new.size} now.")
        root = self.root_at(old.size)
        if root != old.root:
            raise LogForked(f"The log has signed two different histories of its first {old.size} entries.")

    def root_at(self, size: int) -> bytes:
        """The root at an earlier size, of which it is proven that the tree of the checkpoint extends it.

        Raises LogCorrupt if the tiles are not those of the checkpoint.
        """
        new = self.checkpoint
        root = merkle.tree_root(self._tiles.node, size)
        if size:
            try:
                merkle.verify_consistency(size, root, new.size, new.root, self.prove_consistency(size))
            except InvalidProof:
                raise LogCorrupt(
                    "The tiles do not lead to the root that was signed.", "", 0, new.size - 1
                ) from None
        return root
