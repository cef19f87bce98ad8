from __future__ import annotations

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blindwatch.errors import MalformedMessage, TooLarge
from blindwatch.wire import cbor, crops, messages
from blindwatch.wire.messages import FailedResult, Logged, Message, Probe, ReleasedBlock, Result, ResultBatch

from ..crops import CROP

DIGEST = "0f" * 32
MODELS = {
    model.__name__: model for model in Message.__subclasses__() if model.__module__ == messages.__name__
}
PROBE = Probe(
    probe_id="0f" * 16,
    camera="north.gate-1",
    preset="insecure-noop-128",
    key_id=DIGEST,
    model_digest=DIGEST,
    captured_at="2026-01-31T23:59:59.123Z",
    ciphertext=b"ciphertext",
    crop=CROP,
)


def wire(message: Message) -> dict[str, cbor.Value]:
    value = cbor.decode(message.to_cbor(), 1 << 20)
    assert isinstance(value, dict)
    return value


def test_schema_file_names_the_same_messages_and_fields() -> None:
    text = (resources.files("blindwatch.wire") / "schema.cddl").read_text()
    schema = {
        name: set(re.findall(r"^  (?:\? )?(\w+):", body, re.M))
        for name, body in re.findall(r"^(\w+) = \{\n(.*?)^\}", text, re.M | re.S)
    }
    models = {name: {field.alias for field in model.model_fields.values()} for name, model in MODELS.items()}
    assert schema == models


def test_a_batch_holds_results_and_failures() -> None:
    block = ReleasedBlock(ciphertexts=(b"c", b"d"))
    common = {"probe_id": PROBE.probe_id, "camera": PROBE.camera, "captured_at": PROBE.captured_at}
    results = (
        Result(
            **common,
            watchlist=DIGEST,
            releases=(block, block),
            crop=bytes(crops.WRAPPED),
            tombstone=0,
            elapsed_ms=12,
        ),
        FailedResult(**common, problem="urn:blindwatch:problem:worker-lost"),
    )
    logged = Logged(record=b"r", proof=b"p")
    batch = ResultBatch(results=results, logged=(logged, logged))
    assert ResultBatch.from_cbor(batch.to_cbor()) == batch
    with pytest.raises(ValidationError):
        ResultBatch(results=results, logged=(logged,))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("probeId", "0F" * 16),
        ("probeId", "0f" * 16 + "\n"),
        ("probeId", "0f" * 15),
        ("camera", ""),
        ("camera", "a/b"),
        ("camera", "a" * 65),
        ("keyId", b"0f"),
        ("modelDigest", None),
        ("capturedAt", "2026-02-30T00:00:00Z"),
        ("capturedAt", "2026-01-01T00:00:00+00:00"),
        ("capturedAt", "2026-01-01T00:00:00"),
        ("ciphertext", b""),
        ("ciphertext", "text"),
        ("authorisation", b""),
        ("authorisation", bytes(6145)),
        ("authorisation", "text"),
        ("surprise", 1),
        ("probe_id", "0f" * 16),
    ],
)
def test_a_field_that_breaks_the_schema(field: str, value: cbor.Value) -> None:
    changed = wire(PROBE) | {field: value}
    with pytest.raises(MalformedMessage) as caught:
        Probe.from_cbor(cbor.encode(changed))
    assert caught.value.__cause__ is None
    assert "north.gate" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_another_value_than_a_map(name: str) -> None:
    with pytest.raises(MalformedMessage):
        MODELS[name].from_cbor(cbor.encode([1]))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_over_the_limit(name: str) -> None:
    model = MODELS[name]
    data = bytes(model.limit + 1)
    with pytest.raises(TooLarge):
        model.from_cbor(data)


@given(st.binary(max_size=100), st.sampled_from(sorted(MODELS)))
def test_arbitrary_bytes_raise_nothing_foreign(data: bytes, name: str) -> None:
    with pytest.raises(MalformedMessage):
        MODELS[name].from_cbor(data)


@given(
    st.dictionaries(
        st.sampled_from(sorted(wire(PROBE))), st.none() | st.integers(0, 9) | st.text() | st.binary()
    )
)
def test_arbitrary_fields_raise_nothing_foreign(changes: dict[str, cbor.Value]) -> None:
    try:
        probe = Probe.from_cbor(cbor.encode(wire(PROBE) | changes))
    except MalformedMessage:
        return
    assert wire(probe) == wire(PROBE) | changes


def test_messages_are_frozen() -> None:
    with pytest.raises(ValidationError):
        PROBE.camera = "other"


def test_now_is_a_timestamp() -> None:
    receipt = messages.ProbeReceipt(probe_id=PROBE.probe_id, accepted_at=messages.now())
    assert receipt.accepted_at.endswith("Z")
