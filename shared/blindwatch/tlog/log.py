"""Writing a log: an append returns when its entries are durable under a signed checkpoint.

Appends of several threads that wait for the same disk share one synchronous write. The files that readers see follow
at once, written by a thread of their own: nobody has to wait for what can be made again from what is durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from typing import Self

from blindwatch.errors import (
    ConfigurationError,
    LogCorrupt,
    LogExists,
    LogForked,
    LogMissing,
    LogRolledBack,
    LogUnwritable,
    TooLarge,
)
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.edge import Edge, Filled
from blindwatch.tlog.fetching import Tiles, fetch_bundle, from_folder
from blindwatch.tlog.head import Head, HeadStore
from blindwatch.tlog.keys import Signer
from blindwatch.tlog.reading import LogView, read_checkpoint
from blindwatch.tlog.site import Bundle, Site
from blindwatch.tlog.tiles import WIDTH, Tile, split_bundle, tile_at
from blindwatch.wire import limits


@dataclass
class _Ticket:
    """Entries that wait to be written, and the index of the first once they are."""

    entries: tuple[bytes, ...]
    index: int = -1
    done: bool = False


class Log:
    """A log that is open for appending: the folder that is served, the folder of its head, and its key."""

    def __init__(self, folder: Path, head: Path, signer: Signer) -> None:
        """Open a log that `create` made, and finish or take back what a crash left behind.

        Raises LogMissing, LogInUse, LogRolledBack, LogForked, LogCorrupt, UntrustedCheckpoint or LogUnwritable.
        """
        self._folder = folder
        self._signer = signer
        self._site = Site(folder)
        self._turn = Condition()
        self._waiting: list[_Ticket] = []
        self._writing = False
        self._broken = False
        self._filled: list[Filled] = []
        self._showing = ThreadPoolExecutor(1, "log")
        self._heads = HeadStore(head)
        try:
            self._recover()
        except OSError:
            self.close()
            raise LogUnwritable("The files of the log cannot be put in order.") from None
        except BaseException:
            self.close()
            raise

    @staticmethod
    def create(folder: Path, head: Path, signer: Signer) -> None:
        """Make an empty log in two new or empty folders; raises LogExists."""
        try:
            if any(each.exists() and any(each.iterdir()) for each in (folder, head)):
                raise LogExists("There is something in the folder of the log already.", "Name new folders.")
            empty = Checkpoint(signer.verifier.name, 0, merkle.EMPTY_ROOT).signed_by(signer)
            HeadStore.create(head, Head(empty, ()))
            folder.mkdir(parents=True, exist_ok=True)
            Site(folder).show([], (Tile(0, 0, 0), ()), empty)
        except OSError as error:
            raise ConfigurationError(f"The log cannot be made ({error.strerror}).") from None

    @property
    def checkpoint(self) -> SignedCheckpoint:
        """The newest checkpoint that readers can see, which is that of all that was appended before the call."""
        with self._turn:
            self._turn.wait_for(lambda: self._broken or self._signed is self._head.signed)
            return self._signed

    def view(self) -> LogView:
        """The log at its newest checkpoint, for proofs."""
        return self.view_at(self.checkpoint.checkpoint)

    def view_at(self, checkpoint: Checkpoint) -> LogView:
        """The log at a checkpoint that it has signed."""
        return LogView(from_folder(self._folder), checkpoint)

    def entries(self, first: int, end: int) -> Iterator[bytes]:
        """The entries of a range, as the log itself has written them."""
        fetch, size = from_folder(self._folder), self.checkpoint.checkpoint.size
        for index in range(first // WIDTH, -(-min(end, size) // WIDTH)):
            data, _ = fetch_bundle(fetch, tile_at(0, index, size))
            found = enumerate(split_bundle(data), index * WIDTH)
            yield from (entry for place, entry in found if first <= place < end)

    def append(self, entries: Iterable[bytes]) -> int:
        """Append entries in a row, and return the index of the first when all of them are durable.

        Raises TooLarge, and LogUnwritable, after which it is not known whether the entries are in the log until it is
        opened again.
        """
        ticket = _Ticket(tuple(entries))
        if any(len(entry) > limits.LOG_ENTRY for entry in ticket.entries):
            raise TooLarge("An entry of the log is over its byte limit.")
        with self._turn:
            self._waiting.append(ticket)
            self._turn.wait_for(lambda: ticket.done or not self._writing)
            if ticket.done:
                return ticket.index
            if self._broken:
                raise LogUnwritable("The log cannot be written until it is opened again.")
            tickets, self._waiting = self._waiting, []
            self._writing = True
        self._commit(tickets)
        return ticket.index

    def close(self) -> None:
        """Let others open it, once what is being written is."""
        with self._turn:
            self._turn.wait_for(lambda: not self._writing)
            self._broken = True
        self._showing.shutdown()
        self._heads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _recover(self) -> None:
        head = self._heads.read()
        checkpoint = head.signed.verify(self._signer.verifier)
        self._check_shown(checkpoint)
        tiles = Tiles(from_folder(self._folder), checkpoint.size)
        edge = Edge.rebuild(tiles, checkpoint.size, head.tail)
        if (edge.size, edge.root()) != (checkpoint.size, checkpoint.root):
            raise LogCorrupt(
                "The files of the log do not belong to its head.",
                "Restore them from a copy.",
                0,
                max(0, checkpoint.size - 1),
            )
        self._site.restore_edge(edge, head.tail)
        self._site.show(edge.partial(), _bundle(edge, head), head.signed)
        self._edge, self._head, self._signed = edge, head, head.signed

    def _check_shown(self, checkpoint: Checkpoint) -> None:
        """Refuse to go on from a head that is behind, or beside, what readers have seen already."""
        try:
            shown = read_checkpoint(from_folder(self._folder), self._signer.verifier).checkpoint
        except LogMissing:
            if checkpoint.size:
                raise
            return
        if shown.size > checkpoint.size:
            raise LogRolledBack("The head of the log is older than the checkpoint that it has published.")
        if shown.size == checkpoint.size and shown.root != checkpoint.root:
            raise LogForked("The head of the log and its published checkpoint are two histories.")

    def _commit(self, tickets: Sequence[_Ticket]) -> None:
        """Write for all who wait, while further ones queue up; whose entries failed is told so in turn."""
        index, written = self._edge.size, False
        try:
            self._write([entry for ticket in tickets for entry in ticket.entries])
            written = True
        except OSError as error:
            raise LogUnwritable(f"The log cannot be written ({error.strerror}).") from None
        finally:
            with self._turn:
                self._broken |= not written
                for ticket in tickets if written else ():
                    ticket.index, ticket.done = index, True
                    index += len(ticket.entries)
                self._writing = False
                self._turn.notify_all()

    def _write(self, entries: Sequence[bytes]) -> None:
        first = self._edge.full[0]
        edge = self._edge.copy()
        filled = edge.extend(merkle.leaf_hash(entry) for entry in entries)
        rest = [*self._head.tail, *entries]
        whole = edge.full[0] - first
        bundles = [
            (Tile(0, first + place), rest[place * WIDTH : (place + 1) * WIDTH]) for place in range(whole)
        ]
        checkpoint = Checkpoint(self._signer.verifier.name, edge.size, edge.root())
        head = Head(checkpoint.signed_by(self._signer), tuple(rest[whole * WIDTH :]))
        self._site.fill(filled, bundles)
        self._heads.write(head)
        with self._turn:
            self._edge, self._head = edge, head
            self._filled += filled
        self._showing.submit(self._show)

    def _show(self) -> None:
        """Let readers see what is durable by now; the upper levels change only when a tile became full."""
        with self._turn:
            edge, head = self._edge, self._head
            filled, self._filled = self._filled, []
        if head.signed is self._signed:
            return
        shown = False
        try:
            tiles = edge.partial() if filled else edge.partial()[:1]
            self._site.show(tiles, _bundle(edge, head), head.signed)
            self._site.drop_partial(filled)
            shown = True
        finally:
            with self._turn:
                self._broken |= not shown
                self._signed = head.signed if shown else self._signed
                self._turn.notify_all()


def _bundle(edge: Edge, head: Head) -> Bundle:
    return Tile(0, edge.full[0], len(head.tail)), head.tail
