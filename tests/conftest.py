"""What all tests share: where things are, and how hypothesis runs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from blindwatch.he.presets import preset
from blindwatch.secret.keys import KeySet, generate

# Encrypted runs take as long as they take; a fixed seed in CI makes a red run repeatable.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout these tests belong to."""
    return REPOSITORY


@pytest.fixture(scope="session")
def faces_dir() -> Path:
    """Photographs and models that are kept beside the checkout and never inside it."""
    folder = REPOSITORY.parent / "shared" / "faces"
    if not (folder / "lfw").is_dir():
        pytest.skip("needs the photographs in ../shared/faces, which are not part of the project")
    return folder


@pytest.fixture(scope="session")
def keys() -> KeySet:
    """One set of real keys for all tests that only use them."""
    return generate(preset("reveal-128"))


@pytest.fixture
def rng() -> np.random.Generator:
    """Repeatable randomness."""
    return np.random.default_rng(20261123)
