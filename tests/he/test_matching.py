"""Reveal on match: the same tests in the clear, in milliseconds, and encrypted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindwatch.errors import ConfigurationError, EmptyWatchlist
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.matching import Block, Matcher
from blindwatch.he.presets import PLAIN_MODULUS, preset
from blindwatch.he.released import INDICATOR, PIECES, SCORE, VALUES, Release, opened, places, shares
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import Decryptor, KeySet, generate
from blindwatch.wire import limits

Vectors = np.ndarray
THRESHOLD = 90
SECRET = bytes(range(32))


@dataclass(frozen=True)
class World:
    """One key, both sides."""

    keys: KeySet
    encryptor: Encryptor
    decryptor: Decryptor

    @classmethod
    def of(cls, keys: KeySet) -> World:
        return cls(keys, Encryptor(keys.encryption), Decryptor(keys.secret))

    def matcher(self, threshold: int = THRESHOLD) -> Matcher:
        return Matcher(self.keys.evaluation, threshold, SECRET)

    def blocks(self, matcher: Matcher, templates: Templates) -> list[Block]:
        parts = [list(each) for each in self.encryptor.watchlist(templates)]
        return [matcher.load_block(each, len(each)) for each in parts]

    def numbers(self, releases: list[Release], blocks: list[Block]) -> Vectors:
        """All that is released of each entry, (10, entries)."""
        rows = [
            opened(block.layout, release, VALUES, self.decryptor.slots)
            for release, block in zip(releases, blocks, strict=True)
        ]
        return np.concatenate(rows, axis=1)

    def open(self, releases: list[Release], blocks: list[Block]) -> tuple[Vectors, Vectors]:
        numbers = self.numbers(releases, blocks)
        return numbers[INDICATOR], numbers[SCORE]

    def pieces(self, releases: list[Release], blocks: list[Block]) -> Vectors:
        """The pieces of the key as they decrypt, (entries, 8)."""
        return self.numbers(releases, blocks)[list(PIECES)].T


def key_of(matcher: Matcher, label: str) -> Vectors:
    return np.frombuffer(matcher.key(label), dtype=">u2").astype(np.int64)


@pytest.fixture(scope="module", params=["insecure-noop-128", "reveal-128"])
def world(request: pytest.FixtureRequest, keys: KeySet) -> World:
    return World.of(keys if request.param == "reveal-128" else generate(preset(request.param)))


def random_templates(rng: np.random.Generator, count: int) -> Templates:
    directions = rng.normal(size=(count, 128))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    coarse, fine = (np.trunc(scale * directions).astype(np.int64) for scale in (14, 178))
    return Templates(coarse, fine)


def one(templates: Templates, at: int) -> Templates:
    return templates[at : at + 1]


def near(templates: Templates, at: int, rng: np.random.Generator, steps: int) -> Templates:
    """A template some unit steps away, still within the norms."""
    moved = templates.coarse[at].copy()
    for place in rng.choice(128, steps, replace=False):
        moved[place] -= np.sign(moved[place]) or 1
    while (moved * moved).sum() > 200:
        moved[np.argmax(abs(moved))] -= np.sign(moved[np.argmax(abs(moved))])
    return Templates(moved[np.newaxis], templates.fine[at : at + 1] // 2)


def doubled(coarse: Vectors) -> Templates:
    """Extreme templates: the fine ones are multiples of the coarse ones, as long as may be."""
    return Templates(coarse, 12 * coarse)


def check(world: World, templates: Templates, probe: Templates, threshold: int = THRESHOLD) -> None:
    matcher = world.matcher(threshold)
    blocks = world.blocks(matcher, templates)
    releases = matcher.match(world.encryptor.probe(probe), blocks, "a probe")
    indicators, values = world.open(releases, blocks)
    coarse, fine = (np.zeros(len(indicators), dtype=np.int64) for _ in range(2))
    coarse[: len(templates)], fine[: len(templates)] = templates.scores(probe)
    matched = coarse >= threshold
    assert np.array_equal(indicators == 0, matched)
    assert np.array_equal(values[matched], fine[matched] % PLAIN_MODULUS)
    # Every piece of the key at every match; elsewhere a piece is right by chance, one time in 65,537.
    alike = (world.pieces(releases, blocks) == key_of(matcher, "a probe")).sum(axis=1)
    assert (alike[matched] == 8).all()
    assert (alike[~matched] < 4).all()


@pytest.mark.parametrize("count", [1, 1008, 1009])
def test_matches_and_scores_are_those_of_the_integers(
    world: World, count: int, rng: np.random.Generator
) -> None:
    templates = random_templates(rng, count)
    check(world, templates, near(templates, count // 2, rng, 20))


def extremes() -> dict[str, tuple[Vectors, Vectors]]:
    one = np.zeros(128, dtype=np.int64)
    one[0] = 14
    flat = np.ones(128, dtype=np.int64)
    flat[:24] = 2  # squared norm 200: the highest score there is
    axes = np.zeros((256, 128), dtype=np.int64)
    axes[np.arange(128), np.arange(128)] = 14
    axes[np.arange(128, 256), np.arange(128)] = -14
    return {
        "the highest score": (flat[np.newaxis], flat),
        "the lowest score": (-flat[np.newaxis], flat),
        "all the same": (np.repeat(flat[np.newaxis], 300, axis=0), flat),
        "an empty probe": (np.stack([flat, -flat]), 0 * flat),
        "empty entries": (np.zeros((5, 128), dtype=np.int64), flat),
        "axes": (axes, one),
    }


@pytest.mark.parametrize("name", extremes())
@pytest.mark.parametrize("threshold", [81, 200])
def test_extreme_templates(world: World, name: str, threshold: int) -> None:
    entries, probe = extremes()[name]
    check(world, doubled(entries), doubled(probe[np.newaxis]), threshold)


def test_scores_at_the_threshold_and_just_below_it(world: World) -> None:
    probe = np.zeros(128, dtype=np.int64)
    probe[:9], probe[9] = 3, 1
    entries = np.zeros((40, 128), dtype=np.int64)
    for row, target in enumerate(range(70, 110)):
        entries[row, :9] = target // 27
        entries[row, 9] = 0
        left = target - (entries[row] @ probe)
        entries[row, 0] += left // 3
        entries[row, 9] = left % 3
    assert (entries @ probe).tolist() == list(range(70, 110))
    check(world, doubled(entries), doubled(probe[np.newaxis]))


@given(st.data())
@settings(max_examples=40)
def test_any_templates_in_the_clear(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    threshold = data.draw(st.integers(81, 200))
    rng = np.random.default_rng(seed)
    templates = random_templates(rng, data.draw(st.integers(1, 1100)))
    pick = data.draw(st.integers(0, len(templates) - 1))
    probe = near(templates, pick, rng, data.draw(st.integers(0, 60)))
    check(World.of(generate(preset("insecure-noop-128"))), templates, probe, threshold)


def test_a_result_can_be_drawn_again_in_the_clear(rng: np.random.Generator) -> None:
    clear = World.of(generate(preset("insecure-noop-128")))
    matcher = clear.matcher()
    templates = random_templates(rng, 30)
    blocks, probe = clear.blocks(matcher, templates), clear.encryptor.probe(one(templates, 3))
    first, again, other = (matcher.match(probe, blocks, label) for label in ("a", "a", "b"))
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", ["reveal-128", "insecure-noop-128"])
def test_every_number_of_every_entry_has_a_slot_of_its_own(name: str) -> None:
    for layout in preset(name).layouts:
        assert [value for share in shares(layout) for value in share] == list(VALUES)
        assert len(shares(layout)) <= limits.RELEASES == len(VALUES)
        for share in shares(layout):
            taken = np.concatenate([places(layout, value) for value in share])
            assert len(np.unique(taken)) == len(share) * layout.capacity
        assert np.array_equal(places(layout, INDICATOR), layout.entry_slots())


def test_slots_without_an_entry_are_masked_whole(rng: np.random.Generator) -> None:
    clear = World.of(generate(preset("insecure-noop-128")))
    matcher = clear.matcher()
    face = random_templates(rng, 1)
    templates = Templates(np.repeat(face.coarse, 1008, axis=0), np.repeat(face.fine, 1008, axis=0))
    blocks = clear.blocks(matcher, templates)
    runs = [matcher.match(clear.encryptor.probe(face), blocks, str(i))[0] for i in range(40)]
    layout = blocks[0].layout
    rest = np.setdiff1d(np.arange(16384), np.concatenate([places(layout, value) for value in VALUES]))
    values = np.stack([clear.decryptor.slots(run[0])[rest] for run in runs])
    assert len(rest) == 2 * (8192 - 10 * 504)
    assert abs(values.mean() / PLAIN_MODULUS - 0.5) < 0.01
    assert len(np.unique(values)) > 0.95 * PLAIN_MODULUS


@pytest.mark.parametrize("count", [1008, 16400])
def test_nothing_is_released_of_removed_entries_and_all_of_the_others(
    count: int, rng: np.random.Generator
) -> None:
    clear = World.of(generate(preset("insecure-noop-128")))
    matcher, templates = clear.matcher(), random_templates(rng, count)
    for at in (0, 5, count - 1):  # the same face many times
        templates.coarse[at], templates.fine[at] = templates.coarse[3], templates.fine[3]
    blocks, probe = clear.blocks(matcher, templates), clear.encryptor.probe(one(templates, 3))
    before = clear.open(matcher.match(probe, blocks, "a"), blocks)
    after = clear.open(matcher.match(probe, blocks, "a", frozenset({3, count - 1})), blocks)
    others = np.delete(np.arange(len(before[0])), [3, count - 1])
    for earlier, later in zip(before, after, strict=True):
        assert np.array_equal(earlier[others], later[others])
    assert np.array_equal(np.flatnonzero(before[0] == 0), [0, 3, 5, count - 1])
    assert np.array_equal(np.flatnonzero(after[0] == 0), [0, 5])


def test_what_is_released_in_place_of_a_removed_entry_is_uniform(rng: np.random.Generator) -> None:
    clear = World.of(generate(preset("insecure-noop-128")))
    matcher, face = clear.matcher(), random_templates(rng, 1)
    templates = Templates(np.repeat(face.coarse, 1008, axis=0), np.repeat(face.fine, 1008, axis=0))
    blocks, probe = clear.blocks(matcher, templates), clear.encryptor.probe(face)
    everyone = frozenset(range(1008))
    runs = [clear.open(matcher.match(probe, blocks, str(i), everyone), blocks) for i in range(200)]
    assert all((indicators != 0).all() for indicators, _ in runs)
    releases = matcher.match(probe, blocks, "0", everyone)
    assert ((clear.pieces(releases, blocks) == key_of(matcher, "0")).sum(axis=1) < 4).all()
    for values in (np.concatenate([run[which] for run in runs]) for which in (0, 1)):
        assert abs(values.mean() / PLAIN_MODULUS - 0.5) < 0.01
        assert len(np.unique(values)) > 0.9 * PLAIN_MODULUS


def test_a_removed_entry_that_matches_is_not_released(world: World, rng: np.random.Generator) -> None:
    matcher, templates = world.matcher(), random_templates(rng, 1010)
    for at in (7, 1009):
        templates.coarse[at], templates.fine[at] = templates.coarse[3], templates.fine[3]
    blocks = world.blocks(matcher, templates)
    probe = world.encryptor.probe(one(templates, 3))
    indicators, values = world.open(matcher.match(probe, blocks, "a", frozenset({3, 1009})), blocks)
    score = int(templates.fine[3] @ templates.fine[3])
    assert np.array_equal(np.flatnonzero(indicators == 0), [7])
    assert values[7] == score
    assert values[3] != score
    assert values[1009] != score


@pytest.mark.parametrize("number", [-1, 1008])
def test_an_entry_that_no_block_has_cannot_be_removed(number: int, rng: np.random.Generator) -> None:
    clear = World.of(generate(preset("insecure-noop-128")))
    matcher, templates = clear.matcher(), random_templates(rng, 2)
    blocks, probe = clear.blocks(matcher, templates), clear.encryptor.probe(one(templates, 0))
    with pytest.raises(ConfigurationError):
        matcher.match(probe, blocks, "a", frozenset({number}))


def test_a_key_is_of_one_probe() -> None:
    matcher = World.of(generate(preset("insecure-noop-128"))).matcher()
    assert len({matcher.key(str(number)) for number in range(1000)}) == 1000
    assert len(matcher.key("a")) == 16


def test_every_release_looks_new(world: World, rng: np.random.Generator) -> None:
    matcher = world.matcher()
    templates = random_templates(rng, 3)
    blocks, probe = world.blocks(matcher, templates), world.encryptor.probe(one(templates, 0))
    first, second = (matcher.match(probe, blocks, label)[0] for label in ("a", "b"))
    assert len({*first, *second}) == 2
    assert len(first[0]) <= 2**18 + 2**14


def test_whoever_has_the_mask_secret_computes_the_same_bytes(world: World, rng: np.random.Generator) -> None:
    templates = random_templates(rng, 1100)
    parts = [list(each) for each in world.encryptor.watchlist(templates)]
    probe = world.encryptor.probe(one(templates, 0))

    def released(secret: bytes, threads: int) -> list[Release]:
        matcher = Matcher(world.keys.evaluation, THRESHOLD, secret, threads=threads)
        return matcher.match(probe, [matcher.load_block(each, len(each)) for each in parts], "a")

    assert released(SECRET, 1) == released(SECRET, 2)
    assert released(bytes(32), 1) != released(SECRET, 1)


def test_the_budget_left_is_that_of_the_flooding_alone(keys: KeySet, rng: np.random.Generator) -> None:
    real = World.of(keys)
    matcher = real.matcher(81)
    templates = random_templates(rng, 1100)
    blocks = real.blocks(matcher, templates)
    opposite = Templates(-templates.coarse[1:2], -templates.fine[1:2])
    for number, probe in enumerate((one(templates, 0), opposite)):
        for release in matcher.match(real.encryptor.probe(probe), blocks, str(number)):
            for ciphertext in release:
                assert real.decryptor.noise_budget(ciphertext) >= 2


@pytest.mark.parametrize("shape", [(128,), (2, 127)])
def test_templates_of_another_shape_are_refused(world: World, shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError):
        list(
            world.encryptor.block(world.encryptor.preset.layouts[1], doubled(np.zeros(shape, dtype=np.int64)))
        )


def test_what_cannot_be_matched_is_refused(world: World) -> None:
    long = np.full(128, 2, dtype=np.int64)
    with pytest.raises(ConfigurationError):
        world.encryptor.probe(doubled(long[np.newaxis]))
    with pytest.raises(ConfigurationError):
        world.encryptor.probe(Templates(0 * long[np.newaxis], 100 * long[np.newaxis]))
    with pytest.raises(ConfigurationError):
        world.encryptor.probe(doubled(np.zeros((2, 128), dtype=np.int64)))
    with pytest.raises(ConfigurationError):
        world.matcher(80)
    with pytest.raises(ConfigurationError):
        Matcher(world.keys.evaluation, 90, b"short")
    with pytest.raises(EmptyWatchlist):
        world.matcher().match(world.encryptor.probe(doubled(0 * long[np.newaxis])), [], "a")
    with pytest.raises(ConfigurationError):
        next(
            world.encryptor.block(
                world.encryptor.preset.layouts[1], doubled(np.zeros((1009, 128), dtype=np.int64))
            )
        )
