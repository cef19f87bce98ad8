"""The Merkle tree of RFC 6962, section 2.1: hashes, and the proofs of inclusion and of consistency.

A node is the root of a complete subtree: node (level, index) covers the 2^level leaves from index * 2^level on.
Verifying mirrors proving: each proof is taken apart from its last hash, which is that of the topmost sibling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from blindwatch.errors import InvalidProof
from blindwatch.tlog.encoding import HASH_BYTES, LARGEST

EMPTY_ROOT: Final = sha256().digest()

Nodes = Callable[[int, int], bytes]
"""The hash of the node at (level, index)."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two others."""
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over a row of nodes of one level; the last may stand for fewer leaves than the others."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        last = row[-1:] if len(row) % 2 else []
        row = [
            sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)
        ] + last
    return row[0]


def tree_root(nodes: Nodes, size: int) -> bytes:
    """The root of the tree of the first leaves."""
    return _range(nodes, 0, size) if size else EMPTY_ROOT


def prove_inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The audit path of a leaf in the tree of a size (RFC 6962, section 2.1.1)."""
    if not 0 <= index < size:
        raise InvalidProof("The tree does not have the entry.")
    return _path(nodes, index, 0, size)


def prove_consistency(nodes: Nodes, old_size: int, new_size: int) -> list[bytes]:
    """The proof that a tree extends an older one, which is not empty (RFC 6962, section 2.1.2)."""
    if not 0 < old_size <= new_size:
        raise InvalidProof("There is no proof between trees of these sizes.")
    return _subproof(nodes, old_size, 0, new_size, whole=True)


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf hash is at an index of the tree with this root; raises InvalidProof."""
    if not 0 <= index < size <= LARGEST:
        raise InvalidProof("The tree does not have the entry.")
    _check_lengths(leaf, root, *proof)
    rest = list(proof)
    if _climb(index, size, leaf, rest) != root or rest:
        raise InvalidProof("The proof does not show that the entry is in the tree.")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of the new root extends that of the old one, which is not empty; raises InvalidProof."""
    if not 0 < old_size <= new_size <= LARGEST:
        raise InvalidProof("There is no proof between trees of these sizes.")
    _check_lengths(old_root, new_root, *proof)
    rest = list(proof)
    if _fold(old_size, new_size, old_root, rest) != (old_root, new_root) or rest:
        raise InvalidProof("The proof does not show that one tree extends the other.")


def _check_lengths(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise InvalidProof("A hash is not 32 bytes long.")


def _split(width: int) -> int:
    """The largest power of two below a width of at least two."""
    return 1 << ((width - 1).bit_length() - 1)


def _range(nodes: Nodes, start: int, end: int) -> bytes:
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return nodes(level, start >> level)
    middle = start + _split(width)
    return node_hash(_range(nodes, start, middle), _range(nodes, middle, end))


def _path(nodes: Nodes, index: int, start: int, end: int) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(nodes, index, start, middle), _range(nodes, middle, end)]
    return [*_path(nodes, index, middle, end), _range(nodes, start, middle)]


def _subproof(nodes: Nodes, size: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    if size == end:
        return [] if whole else [_range(nodes, start, end)]
    middle = start + _split(end - start)
    if size <= middle:
        return [*_subproof(nodes, size, start, middle, whole=whole), _range(nodes, middle, end)]
    return [*_subproof(nodes, size, middle, end, whole=False), _range(nodes, start, middle)]


def _last(rest: list[bytes]) -> bytes:
    if not rest:
        raise InvalidProof("The proof is too short.")
    return rest.pop()


def _climb(index: int, size: int, leaf: bytes, rest: list[bytes]) -> bytes:
    if size == 1:
        return leaf
    sibling, middle = _last(rest), _split(size)
    if index < middle:
        return node_hash(_climb(index, middle, leaf, rest), sibling)
    return node_hash(sibling, _climb(index - middle, size - middle, leaf, rest))


def _fold(old_size: int, new_size: int, known: bytes | None, rest: list[bytes]) -> tuple[bytes, bytes]:
    """The roots of the old and the new tree; the old root is known as long as the subtree is all of it."""
    if old_size == new_size:
        both = _last(rest) if known is None else known
        return both, both
    sibling, middle = _last(rest), _split(new_size)
    if old_size <= middle:
        old, new = _fold(old_size, middle, known, rest)
        return old, node_hash(new, sibling)
    old, new = _fold(old_size - middle, new_size - middle, None, rest)
    return node_hash(sibling, old), node_hash(sibling, new)
