"""What is evaluated: folders, saved embeddings, labels, and who is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blindwatch.errors import ConfigurationError, InputError
from blindwatch.evaluation.reading import Choice, find, read_embeddings, read_labels, read_names
from blindwatch.evaluation.samples import MOST, Samples, Source, choose, part
from blindwatch.vision.pipeline import model_digest
from blindwatch.vision.registry import Registry, embedded_directory

from .synthetic import SYNTHETIC, faces, samples

IMAGES = [f"{name}/{name}_{number:04}.jpg" for name in ("Ada", "Bo", "Cy") for number in range(1, 5)]


def saved(folder: Path, rows: np.ndarray, images: list[str] = IMAGES) -> Path:
    np.savez(folder / "saved.npz", names=np.array(images), embeddings=rows)
    return folder / "saved.npz"


def test_saved_embeddings_become_samples_of_unit_length(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(12, 128)).astype(np.float16)
    rows[3] = np.nan
    found = read_embeddings(saved(tmp_path, rows), None, Registry.load(), Choice())
    assert found.images == IMAGES
    assert found.subject.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert found.acquired.tolist() == [at != 3 for at in range(12)]
    assert np.linalg.norm(found.embeddings[found.acquired], axis=1) == pytest.approx(1)
    assert found.entry.sum() == 3
    assert found.source.model_digest is None


def test_a_model_that_projects_is_applied_to_longer_embeddings(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    rows = rng.normal(size=(12, 256))
    registry = Registry.load()
    found = read_embeddings(saved(tmp_path, rows), "retail-0095", registry, Choice())
    matrix = np.load(embedded_directory() / "retail-0095-pca128.npy").astype(np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = unit @ matrix[:-1] - matrix[-1]
    assert found.embeddings == pytest.approx(expected / np.linalg.norm(expected, axis=1, keepdims=True))
    entry, projection = registry.find("retail-0095"), registry.find("retail-0095-pca128")
    assert found.source.model_digest == model_digest(entry, projection)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "images", "model", "complaint"),
    [
        (np.zeros((12, 64)) + 1, IMAGES, "blindwatch-embedder", "as long as those of the model"),
        (np.zeros((12, 300)) + 1, IMAGES, "retail-0095", "as long as those of the model"),
        (np.zeros((11, 128)) + 1, IMAGES, None, "do not go together"),
        (np.zeros((12, 128)) + 1, [name.replace("/", "") for name in IMAGES], None, "do not go together"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(
    tmp_path: Path, rows: np.ndarray, images: list[str], model: str | None, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        read_embeddings(saved(tmp_path, rows, images), model, Registry.load(), Choice())


def test_what_is_no_file_of_embeddings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved.npz").write_bytes(b"no archive")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_embeddings(tmp_path / "saved.npz", None, Registry.load(), Choice())


def test_photographs_are_chosen_by_folder_number_and_list(tmp_path: Path) -> None:
    for image in IMAGES:
        (tmp_path / image).parent.mkdir(exist_ok=True)
        (tmp_path / image).write_bytes(b"")
    (tmp_path / "Ada" / "notes.txt").write_text("no photograph")
    wrong = tmp_path / "wrong"
    wrong.write_text("# known to be somebody else\nAda_0002\nBo/Bo_0001.jpg\n")
    choice = Choice(most=2, left_out=read_names(wrong))
    found = find(tmp_path, choice)
    assert len(found.images) == 6
    assert not {"Ada/Ada_0002.jpg", "Bo/Bo_0001.jpg"} & set(found.images)
    assert found.images == find(tmp_path, choice).images, "the seed decides"
    assert [
        image.partition("/")[0] for image, kept in zip(found.images, found.entry, strict=True) if kept
    ] == [
        "Ada",
        "Bo",
        "Cy",
    ]
    with pytest.raises(InputError, match="no photograph"):
        find(tmp_path / "Ada", choice)


def test_held_out_people_are_those_that_training_leaves_out(repo: Path) -> None:
    names = [f"person {number}" for number in range(2000)]
    taken = [name for name in names if Choice(held_out=True).takes(f"{name}/1.jpg")]
    assert taken == [name for name in names if part(name) == "held-out"]
    assert 0.15 < len(taken) / len(names) < 0.25
    training = (repo / "models/training/faces.py").read_text()
    assert "from blindwatch.evaluation.samples import part as part" in training


def test_labels_are_read_by_image_or_by_subject(tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    file.write_text("image,gender,age\nAda/Ada_0001.jpg,F,old\nBo/Bo_0002.jpg, M ,\n")
    found = read_labels(file, IMAGES)
    assert found["gender"].tolist() == ["F", *[""] * 4, "M", *[""] * 6]
    assert found["age"].tolist() == ["old", *[""] * 11]
    file.write_text("\ufeffsubject,family\nAda,one\n")
    assert read_labels(file, IMAGES)["family"].tolist() == ["one"] * 4 + [""] * 8


@pytest.mark.parametrize("text", ["", "name,gender\n", "image\nAda/Ada_0001.jpg\n"])
def test_labels_of_nothing_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(ConfigurationError, match="no column to know photographs by"):
        read_labels(tmp_path / "groups.csv", IMAGES)


def test_entries_are_one_of_each_name() -> None:
    order, entry = choose(["b", "a", "b", "a", "c", "b"], most=2, seed=3)
    names = np.array(["b", "a", "b", "a", "c", "b"])[order]
    assert sorted(names[entry]) == ["a", "b", "c"]
    assert sorted(names) == ["a", "a", "b", "b", "c"]


def test_too_many_and_too_few_are_refused() -> None:
    rows = faces(np.random.default_rng(1), 3, 2)
    with pytest.raises(InputError, match="two subjects at least"):
        samples(rows[:2], 2)
    with pytest.raises(InputError, match="two photographs"):
        samples(rows, 1)
    with pytest.raises(InputError, match="more than 12,000"):
        Samples(SYNTHETIC, ["a/1"] * (MOST + 1), np.zeros(MOST + 1, np.int64), rows, np.ones(1, bool))


def test_selected_samples_are_numbered_anew() -> None:
    made = samples(faces(np.random.default_rng(1), 4, 2), 2, colour=["red", "blue", "red", "blue"])
    found = made.select(made.labels["colour"] == "blue")
    assert found.subject.tolist() == [0, 0, 1, 1]
    assert found.subjects == 2
    assert isinstance(found.source, Source)
