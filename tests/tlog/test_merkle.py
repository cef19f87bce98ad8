"""The tree of RFC 6962: the vectors of transparency-dev/merkle, and random trees against a naive implementation."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import InvalidProof
from blindwatch.tlog import merkle

from .logs import naive_path, naive_proof, naive_root, numbered

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "merkle" / "testdata"
# Its roots are stand-ins of 12 bytes. Hashes of another length than 32 are refused here before they are compared.
STAND_IN_ROOTS = "additional/sizes-are-equal-one-and-proof-is-empty.json"

trees = st.integers(1, 70).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))


def vectors(kind: str) -> dict[str, dict[str, Any]]:
    folder = VECTORS / kind
    return {str(path.relative_to(folder)): json.loads(path.read_text()) for path in folder.rglob("*.json")}


def hashes(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


def verify_inclusion(case: dict[str, Any]) -> None:
    (root,) = hashes([case["root"]])
    (leaf,) = hashes([case["leafHash"]])
    merkle.verify_inclusion(case["leafIdx"], case["treeSize"], leaf, hashes(case["proof"]), root)


def verify_consistency(case: dict[str, Any]) -> None:
    old, new = hashes([case["root1"], case["root2"]])
    merkle.verify_consistency(case["size1"], old, case["size2"], new, hashes(case["proof"]))


@pytest.mark.skipif(not VECTORS.is_dir(), reason="needs the Merkle vectors beside the checkout")
def test_all_vectors_are_there() -> None:
    for kind in ("inclusion", "consistency"):
        refused = [case["wantErr"] for case in vectors(kind).values()]
        assert (len(refused), sum(refused)) == (98, 92)


@pytest.mark.parametrize(("name", "case"), sorted(vectors("inclusion").items()))
def test_vectors_of_inclusion(name: str, case: dict[str, Any]) -> None:
    if case["wantErr"]:
        with pytest.raises(InvalidProof):
            verify_inclusion(case)
    else:
        verify_inclusion(case)


@pytest.mark.parametrize(("name", "case"), sorted(vectors("consistency").items()))
def test_vectors_of_consistency(name: str, case: dict[str, Any]) -> None:
    if name == STAND_IN_ROOTS:
        assert not case["wantErr"]
        with pytest.raises(InvalidProof, match="32 bytes"):
            verify_consistency(case)
        root = base64.b64encode(naive_root([b""])).decode()
        verify_consistency(case | {"root1": root, "root2": root})
    elif case["wantErr"]:
        with pytest.raises(InvalidProof):
            verify_consistency(case)
    else:
        verify_consistency(case)


def nodes(entries: list[bytes]) -> merkle.Nodes:
    return lambda level, index: naive_root(entries[index << level : (index + 1) << level])


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_roots(entries: list[bytes]) -> None:
    root = naive_root(entries)
    assert merkle.root_of([merkle.leaf_hash(entry) for entry in entries]) == root
    assert merkle.tree_root(nodes(entries), len(entries)) == root


@given(trees, st.data())
def test_inclusion(tree: tuple[int, int], data: st.DataObject) -> None:
    index, size = tree
    entries = numbered(size)
    proof = merkle.prove_inclusion(nodes(entries), index, size)
    assert proof == naive_path(index, entries)
    leaf, root = merkle.leaf_hash(entries[index]), naive_root(entries)
    merkle.verify_inclusion(index, size, leaf, proof, root)
    for changed in flipped([leaf, root, *proof], data):
        with pytest.raises(InvalidProof):
            merkle.verify_inclusion(index, size, changed[0], changed[2:], changed[1])
    with pytest.raises(InvalidProof):
        merkle.verify_inclusion(index, size, leaf, [*proof, root], root)
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index) if size > 1 else st.just(1))
    with pytest.raises(InvalidProof):
        merkle.verify_inclusion(other, size, leaf, proof, root)


@given(trees, st.data())
def test_consistency(tree: tuple[int, int], data: st.DataObject) -> None:
    old, new = tree[0] + 1, tree[1]
    entries = numbered(new)
    proof = merkle.prove_consistency(nodes(entries), old, new)
    assert proof == naive_proof(old, entries)
    roots = naive_root(entries[:old]), naive_root(entries)
    merkle.verify_consistency(old, roots[0], new, roots[1], proof)
    for changed in flipped([*roots, *proof], data):
        with pytest.raises(InvalidProof):
            merkle.verify_consistency(old, changed[0], new, changed[1], changed[2:])
    with pytest.raises(InvalidProof):
        merkle.verify_consistency(old, roots[0], new, roots[1], [*proof, roots[0]])
    if proof:
        with pytest.raises(InvalidProof):
            merkle.verify_consistency(old, roots[0], new, roots[1], proof[:-1])


def flipped(values: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The values with one bit changed, once for each of them."""
    variants = []
    for place, value in enumerate(values):
        bit = data.draw(st.integers(0, 255))
        changed = (int.from_bytes(value) ^ (1 << bit)).to_bytes(32)
        variants.append([*values[:place], changed, *values[place + 1 :]])
    return variants


def test_there_is_no_proof_outside_the_tree() -> None:
    entries = numbered(3)
    with pytest.raises(InvalidProof):
        merkle.prove_inclusion(nodes(entries), 3, 3)
    for old, new in ((0, 3), (3, 2)):
        with pytest.raises(InvalidProof):
            merkle.prove_consistency(nodes(entries), old, new)
