from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import MalformedMessage, TooLarge
from blindwatch.wire import cbor, limits

LIMIT = limits.ANSWER

scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**64), max_value=2**64 - 1)
    | st.binary(max_size=300)
    | st.text(max_size=80)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def depth(value: cbor.Value) -> int:
    match value:
        case list():
            return 1 + max(map(depth, value), default=0)
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
    return 0


@given(values.filter(lambda value: depth(value) <= limits.DEPTH))
def test_values_come_back_as_they_went(value: cbor.Value) -> None:
    data = cbor.encode(value)
    assert cbor.decode(data, len(data)) == value


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_value_or_malformed(data: bytes) -> None:
    try:
        value = cbor.decode(data, LIMIT)
    except MalformedMessage:
        return
    assert value == cbor2.loads(data)


@given(values, st.data())
def test_changed_bytes_are_a_value_or_malformed(value: cbor.Value, data: st.DataObject) -> None:
    encoded = bytearray(cbor.encode(value))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        cbor.decode(bytes(encoded), 1 << 20)
    except MalformedMessage:
        return


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\x00", id="something after the value"),
        pytest.param(b"\x18\x17", id="number not in its shortest form"),
        pytest.param(b"\x19\x00\xff", id="longer number not in its shortest form"),
        pytest.param(b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff", id="longest number not in its shortest form"),
        pytest.param(b"\x5f\x41\x00\xff", id="indefinite bytes"),
        pytest.param(b"\x9f\xff", id="indefinite array"),
        pytest.param(b"\x1c", id="reserved length"),
        pytest.param(b"\xc0\x60", id="tag"),
        pytest.param(b"\xf9\x00\x00", id="float"),
        pytest.param(b"\xf7", id="undefined"),
        pytest.param(b"\xf8\x20", id="simple value"),
        pytest.param(b"\xa1\x00\x00", id="key that is not text"),
        pytest.param(b"\xa2\x61a\x00\x61a\x00", id="same key twice"),
        pytest.param(b"\x61\xff", id="text that is not UTF-8"),
        pytest.param(b"\x42\x00", id="too few bytes"),
        pytest.param(b"\x5b" + b"\xff" * 8, id="length beyond memory"),
        pytest.param(b"\x9b" + b"\xff" * 8, id="array beyond memory"),
        pytest.param(b"\x81" * 9 + b"\x00", id="too deep"),
        pytest.param(b"\x9a\x00\x01\x00\x00" + b"\x00" * 65_536, id="too many items"),
    ],
)
def test_outside_the_profile(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        cbor.decode(data, 1 << 20)


def test_over_the_limit() -> None:
    with pytest.raises(TooLarge):
        cbor.decode(b"\x00" * (LIMIT + 1), LIMIT)
