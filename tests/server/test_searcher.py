"""The operator's search against a gallery that is replaced while the operator is at work."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import OtherWatchlist
from blindwatch.operator.searching import Searcher
from blindwatch.statements.package import OperatorPackage, PackageEntry, Priority, new_reference

from ..serving import MODEL
from .test_ranked import PRESET, RankTrial

if TYPE_CHECKING:
    from tests.serving import ServerProcess


def package(ranked: RankTrial) -> OperatorPackage:
    """References for everybody in the gallery, other ones each time."""
    entries = tuple(
        PackageEntry(
            reference=new_reference(),
            category="wanted",
            priority=Priority.GREEN,
            instruction=None,
            image_date=None,
            known_relative=None,
        )
        for _ in ranked.templates
    )
    return OperatorPackage(
        preset=PRESET.name,
        key_id=ranked.keys.encryption.key_id,
        model_digest=MODEL,
        similarity=0.0,
        gate=0,
        fine_threshold=0,
        entries=entries,
    )


def test_a_gallery_that_is_replaced_is_not_read_by_the_package_before(
    start: Callable[..., ServerProcess],
) -> None:
    server, ranked = start(allow_ranked=True), RankTrial()
    custodian = server.client("custodian")
    name = f"ranked-{secrets.token_hex(4)}"
    first, second = package(ranked), package(ranked)
    for version, held in enumerate((first, second), start=1):
        listed = ranked.watchlist(name, package_digest=held.digest)
        reason = None if version == 1 else "Another order"
        custodian.put_deployment(
            name, ranked.offer(name, listed=listed, version=version, change_reason=reason)
        )
        custodian.put_blob(name, ranked.block)
        if version == 1:
            custodian.activate(name)
    searcher = Searcher(server.client("operator"), name, ranked.keys.secret, ranked.keys.encryption, MODEL)
    with pytest.raises(OtherWatchlist, match="another gallery"):
        searcher.check_deployment(second)
    searcher.check_deployment(first)
    (best,) = searcher.rank(ranked.templates[4], len(first.entries), 1, 30)
    assert best.entry == 4
    custodian.activate(name)
    with pytest.raises(OtherWatchlist):
        searcher.rank(ranked.templates[4], len(first.entries), 1, 30)
    searcher.check_deployment(second)
    (best,) = searcher.rank(ranked.templates[4], len(second.entries), 1, 30)
    assert best.entry == 4
