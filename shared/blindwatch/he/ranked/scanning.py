"""The scan: one query against every entry of a gallery, without a key.

A BFV ciphertext opens to q / t m + e before rounding. With q = 1 modulo t, -t times the product of two such
values is q / t (m m') - t e e' modulo q, so -t times the tensor product of two ciphertexts is a BFV ciphertext of
the product with three polynomials, and so is the sum over all coordinates. No base is extended and nothing is
relinearised: SEAL's decryptor opens it as it is. (The same product in SEAL rounds t / q times an integer product.)
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from blindwatch.he.ranked import forms, kernels
from blindwatch.he.ranked.forms import Residues
from blindwatch.he.ranked.gallery import Gallery
from blindwatch.he.ranked.presets import RankPreset
from blindwatch.he.ranked.transform import constants
from blindwatch.he.ranked.withholding import withhold


def scan(query: bytes, gallery: Gallery, threads: int = 1, removed: Iterable[int] = ()) -> list[bytes]:
    """The scores of every block as ciphertexts of the smallest modulus: (3, N) residues as 32-bit integers.

    Those of entries that were removed are left out.
    """
    probe = forms.read(forms.QUERY, gallery.preset, gallery.key_id, query)
    with ThreadPoolExecutor(threads) as pool:
        scores = list(pool.map(lambda block: score(gallery.preset, probe, block), gallery.blocks))
    withhold(gallery.preset, scores, removed)
    return [each.tobytes() for each in scores]


def score(preset: RankPreset, query: Residues, block: Residues) -> Residues:
    """The scores of a block as residues (3, N) of the first prime."""
    fixed = constants(preset)
    return kernels.drop_prime(multiply(preset, query, block), fixed.inverse, fixed.primes)


def multiply(preset: RankPreset, query: Residues, block: Residues) -> Residues:
    """The scores of a block as residues (3, primes, N), before a prime is dropped."""
    fixed = constants(preset)
    sums = np.empty((3, preset.data_primes, preset.poly_degree), np.uint64)
    kernels.accumulate(block, query, fixed.gaps, sums)
    return kernels.from_ntt(sums, fixed.roots, fixed.quotients, fixed.scales, fixed.primes)


def warm(gallery: Gallery) -> None:
    """Have the kernels compiled or loaded from their cache, so that the first query does not wait for it."""
    score(gallery.preset, gallery.blocks[0], gallery.blocks[0])
