"""Keys of one deployment are of no use in another, and new keys take no new photograph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from blindwatch.errors import DeploymentClosed, StatementMismatch, WrongKey
from blindwatch.he import released
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.layout import Integers
from blindwatch.he.matching import Matcher
from blindwatch.he.presets import preset
from blindwatch.he.ranked import forms
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.gallery import Gallery
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.he.ranked.scanning import scan
from blindwatch.he.released import INDICATOR, SCORE, VALUES, Release
from blindwatch.secret.keys import Decryptor, KeySet, generate
from blindwatch.secret.ranked import RankDecryptor, RankKeySet, generate_ranked

from ..server.acts import answer, closing, opened
from ..serving import ServerProcess, Trial
from .meter import read
from .test_unlinkability import random_templates

THRESHOLD, ENTRIES = 90, 1000
(LAYOUT,) = preset("reveal-128").plan(ENTRIES)
NOISE_GONE = 0


@pytest.fixture(scope="module")
def others(keys: KeySet) -> KeySet:
    made = generate(preset("reveal-128"))
    assert made.secret.key_id != keys.secret.key_id
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ExitStack() as stack:
        yield ServerProcess(tmp_path, stack)


def compared(encrypting: KeySet, evaluating: KeySet) -> tuple[Release, Integers]:
    """The first of a list is asked about: what one set of keys makes of ciphertexts of another, and true scores."""
    gallery = random_templates(np.random.default_rng(21), ENTRIES)
    encryptor = Encryptor(encrypting.encryption)
    (parts,) = [list(block) for block in encryptor.watchlist(gallery)]
    matcher = Matcher(evaluating.evaluation, THRESHOLD, bytes(32))
    (release,) = matcher.match(encryptor.probe(gallery[:1]), [matcher.load_block(parts, len(parts))], "one")
    return release, gallery.scores(gallery[:1])[1]


def test_ciphertexts_of_one_key_evaluated_under_another_give_garbage(keys: KeySet, others: KeySet) -> None:
    release, scores = compared(keys, others)
    for opener in (keys, others):
        decryptor = Decryptor(opener.secret)
        assert {decryptor.noise_budget(part) for part in release} == {NOISE_GONE}
        numbers = released.opened(LAYOUT, release, VALUES, decryptor.slots)[:, :ENTRIES]
        assert not any(read(values, scores).reveals for values in numbers)
        assert numbers[INDICATOR, 0] != 0 or numbers[SCORE, 0] != scores[0]


def test_under_its_own_keys_the_same_comparison_matches(keys: KeySet) -> None:
    release, scores = compared(keys, keys)
    decryptor = Decryptor(keys.secret)
    assert min(decryptor.noise_budget(part) for part in release) > NOISE_GONE
    indicators, values = released.opened(LAYOUT, release, (INDICATOR, SCORE), decryptor.slots)
    assert np.flatnonzero(indicators[:ENTRIES] == 0).tolist() == [0]
    assert values[0] == scores[0]


def searched(keys: RankKeySet, query_keys: RankKeySet) -> tuple[list[bytes], Integers]:
    """A gallery under one key is searched with a query under another, whose header pretends to be of the first."""
    chosen, key_id = rank_preset("rank-128"), keys.encryption.key_id
    templates = random_templates(np.random.default_rng(22), ENTRIES).coarse
    block = RankEncryptor(keys.encryption).block(templates)
    query = RankEncryptor(query_keys.encryption).query(templates[0])
    header = forms.HEADER.pack(forms.QUERY, chosen.name.encode(), bytes.fromhex(key_id))
    gallery = Gallery(chosen, key_id, [forms.read(forms.BLOCK, chosen, key_id, block)])
    if query_keys is not keys:
        with pytest.raises(WrongKey):
            scan(query, gallery)
    return scan(header + query[forms.HEADER.size :], gallery), templates @ templates[0]


def test_a_search_with_another_key_is_refused_and_gives_garbage_if_it_pretends() -> None:
    first, second = (generate_ranked(rank_preset("rank-128")) for _ in range(2))
    (result,), scores = searched(first, second)
    for opener in (first, second):
        decryptor = RankDecryptor(opener.secret)
        assert decryptor.noise_budget(result) == NOISE_GONE
        opened = decryptor.scores([result], rank_preset("rank-128").poly_degree)[:ENTRIES]
        assert abs(np.corrcoef(opened, scores)[0, 1]) < 5 / np.sqrt(ENTRIES)
    results, _ = searched(first, first)
    assert (RankDecryptor(first.secret).scores(results, ENTRIES) == scores).all()


def test_after_a_key_is_given_up_its_bundle_is_refused_and_new_keys_need_no_new_photograph(
    server: ServerProcess,
) -> None:
    old, new = Trial("insecure-noop-128"), Trial("insecure-noop-128")
    assert (old.templates.fine == new.templates.fine).all()  # of the same photographs
    name, custodian, camera = old.open(server), server.client("custodian"), server.client("camera")
    custodian.close_deployment(name, closing(server, name))
    with pytest.raises(DeploymentClosed):
        custodian.put_deployment(name, old.offer(name))
    with pytest.raises(DeploymentClosed):
        camera.post_probe(name, old.probe())
    with pytest.raises(StatementMismatch):
        custodian.put_deployment("again", new.offer("again").model_copy(update={"bundle": old.bundle}))
    renewed = new.open(server)
    with pytest.raises(WrongKey):
        camera.post_probe(renewed, old.probe())
    camera.post_probe(renewed, new.probe(3))
    assert opened(new, answer(server, renewed)) == [3]
