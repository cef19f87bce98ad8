from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import MalformedMessage
from blindwatch.wire.digests import check_content_digest, content_digest

# The example of RFC 9530, section 2.
EXAMPLE = b'{"hello": "world"}\n'
FIELD = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def test_the_example_of_the_standard() -> None:
    assert content_digest(EXAMPLE) == FIELD


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(FIELD, id="alone"),
        pytest.param(f"sha-512=:AAAA:, {FIELD}", id="after another"),
        pytest.param(f"{FIELD},md5=:AAAA:", id="before another"),
        pytest.param(f"{content_digest(b'')}, {FIELD}", id="the last of two"),
        pytest.param(f"{FIELD};note=1", id="with a parameter"),
    ],
)
def test_the_digest_of_the_body(value: str) -> None:
    check_content_digest(value, EXAMPLE, required=True)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("sha-512=:AAAA:", id="another algorithm"),
        pytest.param("sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=", id="not a byte sequence"),
        pytest.param("x-sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", id="another name"),
        pytest.param(f"{FIELD}x", id="goes on"),
        pytest.param("sha-256=:AAAA:", id="too short"),
        pytest.param(content_digest(b""), id="of another body"),
        pytest.param(f"{FIELD}, {content_digest(b'')}", id="the last of two is of another body"),
    ],
)
def test_a_field_that_does_not_name_the_body(value: str) -> None:
    with pytest.raises(MalformedMessage):
        check_content_digest(value, EXAMPLE, required=False)


def test_a_digest_may_be_required() -> None:
    check_content_digest(None, EXAMPLE, required=False)
    with pytest.raises(MalformedMessage):
        check_content_digest(None, EXAMPLE, required=True)


@given(st.binary(min_size=1, max_size=64), st.data())
def test_one_flipped_bit_is_seen(body: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, 8 * len(body) - 1))
    flipped = (int.from_bytes(body, "big") ^ (1 << bit)).to_bytes(len(body), "big")
    with pytest.raises(MalformedMessage):
        check_content_digest(content_digest(body), flipped, required=True)


@given(st.text())
def test_any_text_as_the_field(value: str) -> None:
    with pytest.raises(MalformedMessage):
        check_content_digest(value, EXAMPLE, required=True)
