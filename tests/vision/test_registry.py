from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from blindwatch.errors import ConfigurationError, ModelCorrupt, ModelMissing
from blindwatch.he.presets import Thresholds, preset
from blindwatch.vision import catalogue
from blindwatch.vision.catalogue import Catalogue
from blindwatch.vision.pipeline import FacePipeline, model_digest
from blindwatch.vision.registry import (
    VARIABLE,
    Location,
    Registry,
    cache_directory,
    embedded_directory,
    read_catalogue,
)

CONTENT = b"the weights of a network"
ENTRY: dict[str, Any] = {
    "name": "small",
    "role": "projection",
    "file": "small.npy",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "size": len(CONTENT),
    "licence": "Apache-2.0",
    "source": "https://example.org/small",
    "card": "cards/small.md",
}
LAYOUT = {"layout": "NCHW", "size": 64, "colour": "BGR", "mean": (0, 0, 0), "deviation": (1, 1, 1)}
EMBEDDER = ENTRY | {
    "name": "net",
    "role": "embedder",
    "sha256": "0f" * 32,
    "input": LAYOUT,
    "dimension": 128,
    "projection": "small",
    "template": ((1, 1), (3, 1), (2, 2), (1, 3), (3, 3)),
    "operating_point": {"cosine": 0.4, "measured_on": "nothing"},
}
OFFICIAL = {
    "yunet": ("8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4", 232_589),
    "sface": ("0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79", 38_696_353),
}
EMBEDDED_LIMIT = 5 * 1000 * 1000
MEASURED = {
    "blindwatch-embedder": "cascade",
    "retail-0095": "yunet-dynamic",
    "mobilefacenet": "yunet-dynamic",
}
"""The detector whose faces each operating point was measured on."""


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry of one model over two directories that are empty."""
    places = [Location(label, tmp_path / label) for label in ("first", "second")]
    for place in places:
        place.directory.mkdir()
    return Registry(Catalogue.model_validate({"model": [ENTRY], "pipeline": []}), places)


def put(registry: Registry, place: int, content: bytes) -> None:
    (registry.locations[place].directory / "small.npy").write_bytes(content)


def test_a_model_is_found_in_the_order_of_the_directories(registry: Registry) -> None:
    model = registry.find("small")
    assert registry.locate(model) is None
    put(registry, 1, CONTENT)
    assert registry.locate(model) == registry.locations[1]
    assert registry.read(model) == CONTENT
    put(registry, 0, CONTENT)
    assert registry.locate(model) == registry.locations[0]


@pytest.mark.parametrize(
    "content", [b"", CONTENT[:-1], CONTENT + b"!", CONTENT.replace(b"weights", b"Weights")]
)
def test_a_changed_model_is_refused_even_if_a_good_one_comes_later(
    registry: Registry, content: bytes
) -> None:
    put(registry, 0, content)
    put(registry, 1, CONTENT)
    with pytest.raises(ModelCorrupt, match="small"):
        registry.read(registry.find("small"))


def test_a_missing_model_says_how_to_get_it(registry: Registry) -> None:
    with pytest.raises(ModelMissing) as caught:
        registry.read(registry.find("small"))
    assert "blindwatch models import" in caught.value.hint
    with pytest.raises(ModelMissing):
        registry.find("other")


def test_a_role_must_fit(registry: Registry) -> None:
    assert registry.find_as("small", catalogue.Projection).name == "small"
    with pytest.raises(ConfigurationError):
        registry.find_as("small", catalogue.Embedder)
    with pytest.raises(ConfigurationError):
        FacePipeline.from_registry(registry, "small", "small")
    with pytest.raises(ConfigurationError):
        FacePipeline.named(registry, "fast")


def test_the_directories_of_a_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "blindwatch" / "models"
    usual = [cache_directory(), embedded_directory()]
    assert [place.directory for place in Registry.load().locations] == usual
    monkeypatch.setenv(VARIABLE, str(tmp_path / "named"))
    assert [place.directory for place in Registry.load().locations] == [tmp_path / "named", *usual]
    given = Registry.load(tmp_path / "given")
    assert [place.directory for place in given.locations] == [tmp_path / "given", *usual]
    assert given.install_directory == tmp_path / "given"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"HOME": "/home/jane"}, "/home/jane/.cache/blindwatch/models"),
        ("darwin", {"HOME": "/home/jane"}, "/home/jane/Library/Caches/blindwatch/models"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/blindwatch/models"),
    ],
)
def test_the_cache_follows_the_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("sys.platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_directory() == Path(expected)


def test_a_directory_of_models_cannot_bring_its_own_digests(tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text("model = []\npipeline = []\n")
    assert Registry.load(tmp_path).models == Registry.load().models


def test_what_comes_along_is_what_is_registered(shipped: Registry) -> None:
    bundled = [model for model in shipped.models if model.bundled_with is not None]
    assert {model.role for model in bundled} >= {"detector", "landmarks", "embedder"}
    for model in bundled:
        assert len(shipped.read(model)) == model.size
    assert sum(model.size for model in bundled if model.bundled_with == "blindwatch") <= EMBEDDED_LIMIT


def test_every_model_has_a_card_and_every_pipeline_its_models(shipped: Registry) -> None:
    for model in shipped.models:
        assert (embedded_directory() / model.card).is_file(), model.name
    for pipeline in shipped.catalogue.pipeline:
        shipped.find_as(pipeline.detector, catalogue.Detector)
        shipped.find_as(pipeline.embedder, catalogue.Embedder)


def test_every_embedder_fits_the_presets(shipped: Registry) -> None:
    dimensions = {model.dimension for model in shipped.models if isinstance(model, catalogue.Embedder)}
    assert dimensions == {128}


@pytest.mark.parametrize("name", OFFICIAL)
def test_models_of_the_opencv_zoo_have_their_official_digests(shipped: Registry, name: str) -> None:
    model = shipped.find(name)
    assert (model.sha256, model.size) == OFFICIAL[name]
    assert model.download is not None
    assert "opencv_zoo" in model.download


def test_the_models_beside_the_checkout_are_registered(complete: Registry) -> None:
    files = {path.name for path in complete.install_directory.glob("*.onnx")}
    assert files <= {model.file for model in complete.models}
    for model in complete.models:
        if model.file in files:
            assert len(complete.read(model)) == model.size


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"sha256": "0F" * 32}, id="digest in capitals"),
        pytest.param({"sha256": "0f" * 31}, id="short digest"),
        pytest.param({"file": "../small.npy"}, id="file elsewhere"),
        pytest.param({"file": ".hidden"}, id="hidden file"),
        pytest.param({"size": 2**40}, id="size over the limit"),
        pytest.param({"download": "http://example.org/small"}, id="address without TLS"),
        pytest.param({"role": "oracle"}, id="unknown role"),
        pytest.param({"colour": "BGR"}, id="unknown field"),
        pytest.param({"bundled_with": "nothing"}, id="unknown package"),
    ],
)
def test_an_entry_that_is_not_valid(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Catalogue.model_validate({"model": [ENTRY | changes], "pipeline": []})


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"model": [ENTRY, ENTRY | {"sha256": "00" * 32}], "pipeline": []}, id="name twice"),
        pytest.param({"model": [ENTRY, ENTRY | {"name": "copy"}], "pipeline": []}, id="digest twice"),
        pytest.param({"model": [EMBEDDER], "pipeline": []}, id="projection is not registered"),
        pytest.param(
            {"model": [ENTRY], "pipeline": [{"name": "p", "detector": "small", "embedder": "small"}]},
            id="role does not fit",
        ),
    ],
)
def test_a_catalogue_that_contradicts_itself(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Catalogue.model_validate(content)


@pytest.mark.parametrize(
    "text", ["", "[[model]", "model = 7", "\x00", 'model = []\npipeline = [{ name = "p" }]']
)
def test_a_file_that_is_no_registry(tmp_path: Path, text: str) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        read_catalogue(path)
    with pytest.raises(ConfigurationError):
        read_catalogue(tmp_path / "absent.toml")


def test_the_model_digest_covers_all_that_templates_depend_on() -> None:
    def digest(changes: dict[str, Any], projection: str | None = ENTRY["sha256"]) -> str:
        entry = None
        if projection is not None:
            entry = catalogue.Projection.model_validate(ENTRY | {"sha256": projection})
        return model_digest(catalogue.Embedder.model_validate(EMBEDDER | changes), entry)

    variants = [
        digest({}),
        digest({}, projection="11" * 32),
        digest({}, projection=None),
        digest({"sha256": "22" * 32}),
        digest({"input": LAYOUT | {"size": 112}}),
        digest({"input": LAYOUT | {"colour": "RGB"}}),
        digest({"input": LAYOUT | {"mean": (1, 0, 0)}}),
        digest({"input": LAYOUT | {"deviation": (2, 1, 1)}}),
        digest({"template": ((1, 1), (3, 1), (2, 2), (1, 3), (3, 4))}),
    ]
    assert len(set(variants)) == len(variants)
    labels = {"name": "renamed", "licence": "MIT", "operating_point": {"cosine": 0.2, "measured_on": "else"}}
    assert digest(labels) == digest({})


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return tomllib.loads((embedded_directory() / "measured.toml").read_text())


@pytest.mark.parametrize(("name", "detector"), MEASURED.items())
def test_operating_points_are_the_measured_ones(
    shipped: Registry, measured: dict[str, Any], name: str, detector: str
) -> None:
    point = shipped.find_as(name, catalogue.Embedder).operating_point
    thresholds = {row["fmr"]: row["threshold"] for row in measured[name][detector]["cosine"]}
    assert point.false_match_rate is not None
    assert point.cosine == thresholds[point.false_match_rate]
    assert point.measured_on == f"{measured['data']['people']} held-out people of LFW, with {detector}"


def test_every_operating_point_with_a_rate_is_measured_with_its_detector(shipped: Registry) -> None:
    embedders = [model for model in shipped.models if isinstance(model, catalogue.Embedder)]
    rated = {model.name for model in embedders if model.operating_point.false_match_rate is not None}
    assert rated == set(MEASURED)
    pipelines = {(pipeline.embedder, pipeline.detector) for pipeline in shipped.catalogue.pipeline}
    assert pipelines <= set(MEASURED.items())


@pytest.mark.parametrize("name", MEASURED)
def test_decisions_were_measured_at_the_thresholds_of_the_preset(measured: dict[str, Any], name: str) -> None:
    chosen = preset(measured["data"]["preset"])
    for figures in measured[name].values():
        cosines = [row["threshold"] for row in figures["cosine"]]
        assert [row["cosine"] for row in figures["template"]] == cosines
        for row in figures["template"]:
            assert Thresholds(row["gate"], row["fine"]) == chosen.thresholds(row["cosine"])


@pytest.mark.parametrize("name", MEASURED)
def test_cards_state_the_measured_figures(shipped: Registry, measured: dict[str, Any], name: str) -> None:
    card = (embedded_directory() / shipped.find(name).card).read_text(encoding="utf-8")

    def rate(row: dict[str, Any], key: str, digits: int) -> str:
        low, high = (f"{100 * bound:.{digits}f}" for bound in row[f"{key}_95"])
        return f"{100 * row[key]:.{digits}f} % [{low}, {high}]"

    for detector, figures in measured[name].items():
        by_cosine = [f"{row['threshold']:.4f} | {rate(row, 'fnmr', 2)}" for row in figures["cosine"]]
        rows = [f"| {detector} | {100 * figures['accuracy']:.2f} % | {' | '.join(by_cosine)} |"]
        for row in figures["template"]:
            scores = f"{row['cosine']:.4f} | {row['gate']} | {row['fine']:,} | {100 * row['past_gate']:.4f} %"
            rows.append(f"| {detector} | {scores} | {rate(row, 'fmr', 4)} | {rate(row, 'fnmr', 2)} |")
        for group in ("women", "men"):
            row = figures[group]
            pairs = f"{row['impostor_pairs']:,} | {row['genuine_pairs']:,}"
            rows.append(
                f"| {detector} | {group} | {rate(row, 'fmr', 4)} | {rate(row, 'fnmr', 2)} | {pairs} |"
            )
        assert [row for row in rows if row not in card] == []
