"""Every form of a face is found: as bytes, as text, in part, wherever it lies, and by its likeness alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindwatch.oversight.scan.hits import Kind, Place
from blindwatch.oversight.scan.likeness import Likenesses
from blindwatch.oversight.scan.needles import Needle, digest, is_telling, needles
from blindwatch.oversight.scan.scanning import Scan, Sought
from blindwatch.oversight.scan.search import Search
from blindwatch.oversight.scan.stream import CHUNK, OVERLAP

from .planting import FACE, WHO, an_embedding, between_noise, found, in_bytes, noise, unit

REALS = {"float16": "<f2", "float32": "<f4", "float64": "<f8"}
BIG_REALS = {f"big-endian {name}": form.replace("<", ">") for name, form in REALS.items()}
INTEGERS = {"int8": "i1", "int16": "<i2", "int32": "<i4", "int64": "<i8", "float32": "<f4", "float64": "<f8"}
BIG_INTEGERS = {f"big-endian int{size}": f">i{size // 8}" for size in (16, 32, 64)}
NEEDLES_ONLY = Sought(FACE.needles, vectors=False)
NOTHING_KNOWN = Sought()

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "hexadecimal": lambda data: data.hex().encode(),
    "capital hexadecimal": lambda data: data.hex().upper().encode(),
    "printed": lambda data: repr(data)[2:-1].encode(),
    "printed in JSON": lambda data: json.dumps(repr(data)).encode(),
    "Base64": base64.b64encode,
    "Base64 for addresses": base64.urlsafe_b64encode,
}


@pytest.mark.parametrize("form", [*REALS, *BIG_REALS])
def test_an_embedding_is_found_in_every_type(form: str) -> None:
    data = FACE.embedding.astype((REALS | BIG_REALS)[form]).tobytes()
    things = in_bytes(between_noise(data), NEEDLES_ONLY)
    assert things == {Kind.CANARY: {f"embedding of {WHO} as {form}, plain"}}


@pytest.mark.parametrize("norm", [200, 4095, 32_000])
@pytest.mark.parametrize("form", [*INTEGERS, *BIG_INTEGERS])
def test_a_template_is_found_in_every_type(form: str, norm: int) -> None:
    data = FACE.template(norm).astype((INTEGERS | BIG_INTEGERS)[form]).tobytes()
    things = in_bytes(between_noise(data), NEEDLES_ONLY)
    assert f"template of {WHO} with squared norm {norm} as {form}, plain" in things[Kind.CANARY]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_bytes_are_found_in_every_encoding(encoding: str) -> None:
    data = ENCODINGS[encoding](FACE.embedding.tobytes())
    things = in_bytes(between_noise(b'{"detail": "' + data + b'"}'), NEEDLES_ONLY)
    assert f"embedding of {WHO} as float32, {encoding}" in things[Kind.CANARY]


@pytest.mark.parametrize("before", range(3))
def test_base64_is_found_wherever_in_a_text_it_begins(before: int) -> None:
    text = base64.b64encode(noise(before) + FACE.embedding.tobytes())
    assert f"embedding of {WHO} as float32, Base64" in in_bytes(text, NEEDLES_ONLY)[Kind.CANARY]


@pytest.mark.parametrize(
    ("what", "write"),
    [
        (" as text", lambda: json.dumps(FACE.embedding.tolist()).encode()),
        (" as text", lambda: json.dumps(FACE.embedding.tolist(), separators=(",", ":")).encode()),
        (", in short as text", lambda: ", ".join(map(str, FACE.embedding)).encode()),
        (" as CBOR", lambda: cbor2.dumps(FACE.embedding.tolist())),
    ],
)
def test_written_numbers_are_found(what: str, write: Callable[[], bytes]) -> None:
    things = in_bytes(between_noise(write()), NEEDLES_ONLY)[Kind.CANARY]
    assert any(each.startswith(f"embedding of {WHO}{what}") for each in things)


@settings(max_examples=60)
@given(start=st.integers(0, 127 - 45), shift=st.integers(0, 9))
def test_a_part_of_an_embedding_is_found(start: int, shift: int) -> None:
    part = FACE.embedding[start : start + 45].tobytes()
    assert Kind.CANARY in in_bytes(noise(shift) + part, NEEDLES_ONLY)


@settings(max_examples=60)
@given(start=st.integers(0, 20_000 - 2000), shift=st.integers(0, 9))
def test_a_part_of_a_photograph_is_found(start: int, shift: int) -> None:
    part = FACE.photograph[start : start + 2000]
    assert in_bytes(noise(shift) + part, NEEDLES_ONLY) == {Kind.CANARY: {f"photograph of {WHO}, plain"}}


BORDERS = [CHUNK, 2 * CHUNK, CHUNK - OVERLAP, CHUNK + OVERLAP, CHUNK - 1024, 2 * CHUNK - 1024]


@settings(max_examples=40)
@given(
    border=st.sampled_from(BORDERS), by=st.integers(-600, 600), piece=st.sampled_from([4096, 65_537, CHUNK])
)
def test_what_lies_across_a_border_is_found_once(border: int, by: int, piece: int) -> None:
    """Whatever pieces come in: a needle, a vector, an image and a key are each found, and counted once."""
    vector = FACE.alike(0.6).tobytes()
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + noise(50, 3)
    identity = b"AGE-SECRET-KEY-1" + b"QPZRY9X8GF" * 6
    at = border + by
    data = bytes(at) + vector + picture + identity + bytes(3 * CHUNK - at)
    scan = Scan(FACE.sought)
    stream = scan._scanner.stream(Place("bytes"))
    for start in range(0, len(data), piece):
        stream.feed(data[start : start + piece])
    stream.close()
    assert {each.kind: (each.count, each.offset) for each in scan.findings.of(is_wrong=True)} == {
        Kind.TEMPLATE: (1, at),
        Kind.IMAGE: (1, at + len(vector)),
        Kind.KEY: (1, at + len(vector) + len(picture)),
    }


@settings(max_examples=40)
@given(border=st.sampled_from(BORDERS), by=st.integers(-200, 200))
def test_a_needle_across_a_border_is_found_once(border: int, by: int) -> None:
    needle = Needle("needle", noise(100, 5))
    scan = Scan(Sought([needle]))
    scan.data("bytes", bytes(border + by) + needle.data + bytes(3 * CHUNK - border - by))
    (each,) = scan.findings.of(is_wrong=True)
    assert (each.what, each.count, each.offset) == ("needle", 1, border + by)


@pytest.mark.parametrize("before", [0, 1, 7, 4096])
def test_half_a_needle_is_none(before: int) -> None:
    made = needles("needle", noise(64, 2))
    for each in made:
        assert {n.what for n, _ in Search(made).find(bytes(before) + each.data + b"\0")} == {each.what}
        assert not list(Search(made).find(bytes(before) + each.data[:-1] + b"\0"))


def test_what_could_be_met_by_chance_is_no_needle() -> None:
    even = [
        bytes(4096),
        bytes(range(8)) * 4,
        b"\x07" * 100,
        bytes(np.repeat(np.arange(16, dtype=np.uint8), 8)),
    ]
    assert not any(map(is_telling, even))
    assert not is_telling(noise(39))
    assert is_telling(noise(40))


def test_the_digest_of_needles_does_not_depend_on_their_order() -> None:
    made = FACE.needles
    assert digest(made) == digest(list(reversed(made)))
    assert digest(made) != digest(made[1:])


# Whatever the photograph: by likeness to a canary, or because it looks like a template.


@pytest.mark.parametrize("form", REALS)
def test_another_photograph_of_a_canary_is_recognised(form: str) -> None:
    data = FACE.alike(0.5).astype(REALS[form]).tobytes()
    things = in_bytes(between_noise(data))
    assert things == {Kind.TEMPLATE: {f"vector of 128 {form} numbers, squared norm 1, {WHO}"}}


def test_a_template_of_somebody_else_is_no_canary() -> None:
    things = in_bytes(between_noise(FACE.alike(0.3).tobytes()))
    assert things == {Kind.VECTOR: {"vector of 128 float32 numbers, squared norm 1"}}


@pytest.mark.parametrize("dimension", [64, 100, 128, 192, 256, 512, 1024])
@pytest.mark.parametrize("form", ["float32", "float64"])
def test_any_unit_vector_looks_like_a_template(form: str, dimension: int) -> None:
    data = unit(an_embedding(3, dimension)).astype(REALS[form]).tobytes()
    things = in_bytes(between_noise(data), NOTHING_KNOWN)
    assert things == {Kind.VECTOR: {f"vector of {dimension} {form} numbers, squared norm 1"}}


@pytest.mark.parametrize("norm", [200, 4095, 32_000])
@pytest.mark.parametrize("form", ["int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("before", [5000, 5001, 5003, 5007])
def test_any_template_of_a_preset_looks_like_one(form: str, norm: int, before: int) -> None:
    data = FACE.template(norm).astype(INTEGERS[form]).tobytes()
    things = in_bytes(between_noise(data, before), NOTHING_KNOWN)
    assert things == {Kind.VECTOR: {f"vector of 128 {form} numbers, squared norm {norm}"}}


def test_a_gallery_is_counted() -> None:
    rows = np.stack([an_embedding(seed, 256) for seed in range(50)])
    scan = Scan(NOTHING_KNOWN)
    scan.data("gallery", between_noise(rows.tobytes()))
    (each,) = scan.findings.of(is_wrong=True)
    assert (each.kind, each.count) == (Kind.VECTOR, 50)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("written real", json.dumps(FACE.embedding.tolist())),
        ("written real", " ".join(f"{value:.4f}" for value in FACE.embedding)),
        ("written real", str(np.array2string(FACE.embedding, threshold=1000))),
        ("written integer", json.dumps(FACE.template(32_000).tolist())),
        ("written integer", "\n".join(map(str, FACE.template(200)))),
    ],
)
def test_a_written_vector_looks_like_a_template(what: str, text: str) -> None:
    (seen,) = in_bytes(b'{"detail": "' + text.encode() + b'"}', NOTHING_KNOWN)[Kind.VECTOR]
    assert what in seen


def test_weights_of_a_network_do_not_look_like_templates() -> None:
    rng = np.random.default_rng(3)
    weights = rng.normal(size=1_000_000) / np.sqrt(128)
    for form in ("<f4", "<f8"):
        assert not list(Likenesses().find(weights.astype(form).tobytes()))


def test_findings_never_hold_what_was_found() -> None:
    scan = Scan(FACE.sought)
    scan.data("bytes", between_noise(FACE.embedding.tobytes()))
    report: Any = scan.result().to_json()
    assert found(scan)
    assert all(each.data not in report for each in FACE.needles)
