"""Keys that were released for a time: nothing decrypts outside it, and what decrypts is let go of when it ends."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from weakref import ref

import numpy as np
import pytest

from blindwatch.errors import CipherError, OutsideWindow
from blindwatch.he import noop
from blindwatch.he.presets import preset
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.secret.held import Held, check_held
from blindwatch.secret.keys import Decryptor, KeySet, generate
from blindwatch.secret.ranked import RankDecryptor, generate_ranked
from blindwatch.secret.wrapping import unwrap, unwrap_ranked, wrap
from blindwatch.statements.predicates import Window

RANKED = generate_ranked(rank_preset("rank-128")).secret
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def window(seconds: float, start: float = 0.0) -> Window:
    """A window that begins and ends so many seconds from now."""
    now = datetime.now(UTC)
    return Window(
        not_before=text(now + timedelta(seconds=start)), not_after=text(now + timedelta(seconds=seconds))
    )


@pytest.mark.parametrize(("seconds", "held"), [(-1, False), (0, True), (28799, True), (28800, False)])
def test_one_second_early_and_one_second_late(seconds: int, held: bool) -> None:
    eight_hours = Window(not_before=text(NOW), not_after=text(NOW + timedelta(hours=8)))
    at = NOW + timedelta(seconds=seconds)
    if held:
        check_held(eight_hours, at)
    else:
        with pytest.raises(OutsideWindow):
            check_held(eight_hours, at)


class Thing:
    """Something that can be watched."""


def test_it_is_let_go_of_when_its_time_ends_though_nobody_asks() -> None:
    held = Held(Thing(), window(0.5))
    watched = ref(held.get())
    deadline = time.monotonic() + 30
    while watched() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(OutsideWindow):
        held.get()


def test_what_nobody_needs_does_not_wait_for_its_end() -> None:
    held = Held(Thing(), window(3600))
    watched = ref(held.get())
    del held
    assert watched() is None


def test_what_was_dropped_stays_so() -> None:
    held = Held(Thing(), None)
    held.get()
    held.drop()
    with pytest.raises(OutsideWindow):
        held.get()


@pytest.mark.parametrize(("end", "start"), [(-1.0, -3600.0), (3600.0, 60.0)])
def test_nothing_decrypts_outside_the_window(keys: KeySet, end: float, start: float) -> None:
    decryptor = Decryptor(unwrap(wrap(keys.secret, bytes(32)), bytes(32), window(end, start)))
    for decrypting in (decryptor.slots, decryptor.noise_budget):
        with pytest.raises(OutsideWindow):
            decrypting(b"no ciphertext, which is not even looked at")
    ranked = RankDecryptor(unwrap_ranked(wrap(RANKED, bytes(32)), bytes(32), window(end, start)))
    with pytest.raises(OutsideWindow):
        ranked.scores([], 5)


def test_inside_the_window_it_is_a_key_like_any_other(keys: KeySet) -> None:
    clear = generate(preset("insecure-noop-128")).secret
    slots = np.arange(clear.preset.poly_degree)
    assert (Decryptor(replace(clear, window=window(3600))).slots(noop.pack(slots)) == slots).all()
    real = Decryptor(unwrap(wrap(keys.secret, bytes(32)), bytes(32), window(3600)))
    ranked = RankDecryptor(replace(RANKED, window=window(3600)))
    with pytest.raises(CipherError):
        real.slots(b"no ciphertext")
    with pytest.raises(CipherError):
        ranked.scores([], 5)
