"""What verdicts need of the main environment alone: messages, the default engine, and the absence of the other."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from blindwatch.cli.main import run
from blindwatch.errors import ConfigurationError, MalformedMessage, TooLarge, WorkerLost
from blindwatch.he.presets import preset
from blindwatch.he.verdicts import DIMENSION, Integers, VerdictEngine, Verdicts, check, clip
from blindwatch.opinion import frames
from blindwatch.opinion.environment import CIRCUIT, VARIABLE, interpreter
from blindwatch.opinion.showing import certainty
from blindwatch.oversight import opinion
from blindwatch.secret.keys import KeySet
from blindwatch.verification.bfv import BfvEngine
from blindwatch.vision.quantise import quantise
from blindwatch.vision.registry import Registry
from blindwatch.wire import opinions
from blindwatch.wire.messages import Message

THRESHOLD = 84
MODELS = {
    name: kind
    for name, kind in vars(opinions).items()
    if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
}


def faces(rng: np.random.Generator, count: int) -> Integers:
    """A probe and entries that come ever less near to it."""
    base = rng.standard_normal(DIMENSION)
    noise = rng.standard_normal((count, DIMENSION)) * np.linspace(0, 2, count)[:, None]
    return clip(np.stack([quantise(base + each, 200) for each in noise]))


@pytest.mark.parametrize("name", ["reveal-128", "insecure-noop-128"])
def test_the_default_engine_decides_as_the_integers_do(
    name: str, keys: KeySet, rng: np.random.Generator
) -> None:
    engine: VerdictEngine = BfvEngine(preset(name), keys if name == "reveal-128" else None)
    templates = faces(rng, 12)
    expected = tuple(bool(score >= THRESHOLD) for score in templates @ templates[0])
    assert len(set(expected)) == 2
    verdicts = engine.verdicts(templates[0], templates, THRESHOLD)
    assert verdicts.matches == expected
    assert verdicts.error_of_all == 0
    assert "exact" in certainty(verdicts)


@pytest.mark.parametrize(
    ("probe", "entries", "threshold"),
    [
        (np.zeros(64, int), np.zeros((1, DIMENSION), int), THRESHOLD),
        (np.zeros(DIMENSION, int), np.zeros((0, DIMENSION), int), THRESHOLD),
        (np.zeros(DIMENSION, int), np.zeros((65, DIMENSION), int), THRESHOLD),
        (np.full(DIMENSION, 3), np.zeros((1, DIMENSION), int), THRESHOLD),
        (np.eye(1, DIMENSION, dtype=int)[0] * 4, np.zeros((1, DIMENSION), int), THRESHOLD),
        (np.zeros(DIMENSION, int), np.zeros((1, DIMENSION), int), 201),
    ],
)
def test_what_no_circuit_could_decide_is_refused(probe: Integers, entries: Integers, threshold: int) -> None:
    with pytest.raises(ConfigurationError):
        check(probe, entries, threshold)


def test_the_schema_names_the_same_messages_and_fields() -> None:
    text = (resources.files("blindwatch.wire") / "opinions.cddl").read_text()
    schema = {
        name: set(re.findall(r"^  (\w+):", body, re.M))
        for name, body in re.findall(r"^(\w+) = \{\n(.*?)^\}", text, re.M | re.S)
    }
    fields = {name: {field.alias for field in kind.model_fields.values()} for name, kind in MODELS.items()}
    assert schema == fields


def test_a_pair_holds_short_templates_of_small_numbers() -> None:
    zero = (0,) * DIMENSION
    pair = opinions.Pair(probe=zero, entry=(3, *zero[1:]), threshold=THRESHOLD)
    assert opinions.Pair.from_cbor(pair.to_cbor()) == pair
    for bad in ((4, *zero[1:]), (3,) * DIMENSION, zero[1:]):
        with pytest.raises(MalformedMessage):
            opinions.Pair.from_cbor(pair.model_copy(update={"entry": bad}).to_cbor())


def test_frames_are_read_whole_or_not_at_all() -> None:
    stream = io.BytesIO()
    frames.write(stream, b"message")
    written = stream.getvalue()
    assert frames.read(io.BytesIO(written), 7) == b"message"
    with pytest.raises(TooLarge):
        frames.read(io.BytesIO(written), 6)
    for end in (0, 3, len(written) - 1):
        with pytest.raises(WorkerLost):
            frames.read(io.BytesIO(written[:end]), 7)


def test_the_circuit_is_registered_with_an_error_better_than_promised() -> None:
    circuit = Registry.load().circuit(CIRCUIT)
    assert 0 < circuit.error_probability < 2**-40


def test_the_chance_of_an_error_is_said_with_the_lookups_that_it_is_over() -> None:
    said = certainty(Verdicts((True, False), 7e-13, 4.0, lookups=135))
    assert "135 table lookups" in said
    assert "1.4e-12 for all" in said


def test_without_the_engine_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(ConfigurationError, match="not installed") as refused:
        interpreter()
    assert "make tfhe" in refused.value.hint


def test_this_environment_has_no_concrete() -> None:
    found = subprocess.run([sys.executable, "-c", "import concrete"], capture_output=True, check=False)
    assert b"ModuleNotFoundError" in found.stderr


def test_a_photograph_that_is_none_is_an_error_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photograph = tmp_path / "secret-name.jpg"
    photograph.write_bytes(b"no image")
    assert run(["verify", str(photograph), str(photograph)]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_list_of_decisions_is_read_or_refused_by_line(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    read = opinion.read(b"probe,entry,decision\na.jpg,b.jpg,match\nb.jpg,a.jpg,no-match\n", tmp_path)
    assert [decision.match for decision in read] == [True, False]
    for wrong in (
        b"probe,entry,decision\n",
        b"probe,entry\na.jpg,b.jpg\n",
        b"probe,entry,decision\na.jpg,b.jpg,maybe\n",
        b"probe,entry,decision\na.jpg,secret.jpg,match\n",
        b"\xff\xfe",
    ):
        with pytest.raises(ConfigurationError) as refused:
            opinion.read(wrong, tmp_path)
        assert "secret" not in f"{refused.value.detail}{refused.value.hint}"
