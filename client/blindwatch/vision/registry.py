"""Registered models on this machine: where they are looked for, and the digest check of every load.

The registry itself always comes with the package, so a directory of models can add files but never
digests. Directories are tried in this order: the one given by option or `BLINDWATCH_MODELS`, the user's
cache, the embedded models. The first file found decides: one with a wrong digest is an error, because
passing over it would hide that somebody changed it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import cv2.data
from pydantic import ValidationError

from blindwatch.errors import ConfigurationError, ModelCorrupt, ModelMissing
from blindwatch.vision.catalogue import Catalogue, Circuit, Model, Pipeline

VARIABLE = "BLINDWATCH_MODELS"

ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class Location:
    """A place where models are looked for, and what to call it."""

    label: str
    directory: Path


def circuit_directory() -> Path:
    """Where compiled circuits are kept, each in a folder named by its digest."""
    return cache_directory().with_name("circuits")


def embedded_directory() -> Path:
    """The models that come with the package: beside the sources in a checkout, inside it in a wheel."""
    packaged = Path(__file__).with_name("packaged")
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "models"


def cache_directory() -> Path:
    """The user's cache of models, by the platform's convention; `XDG_CACHE_HOME` wins everywhere."""
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "blindwatch" / "models"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "blindwatch" / "models"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "blindwatch" / "models"
    return Path.home() / ".cache" / "blindwatch" / "models"


class Registry:
    """The catalogue of models, and the files behind it."""

    def __init__(self, catalogue: Catalogue, locations: Sequence[Location]) -> None:
        self.catalogue = catalogue
        self.locations = tuple(locations)

    @classmethod
    def load(cls, models_dir: Path | None = None) -> Self:
        """The package's registry; a directory given here or by `BLINDWATCH_MODELS` is searched first."""
        given = models_dir or (Path(named) if (named := os.environ.get(VARIABLE)) else None)
        locations = [] if given is None else [Location("chosen", given)]
        locations += [Location("cache", cache_directory()), Location("embedded", embedded_directory())]
        return cls(read_catalogue(embedded_directory() / "registry.toml"), locations)

    @property
    def models(self) -> tuple[Model, ...]:
        """All registered models."""
        return self.catalogue.model

    @property
    def install_directory(self) -> Path:
        """Where new models go: the directory that is searched first."""
        return self.locations[0].directory

    def find(self, name: str) -> Model:
        """The model of this name."""
        for model in self.models:
            if model.name == name:
                return model
        raise ModelMissing("No model of this name is registered.", "See: blindwatch models list")

    def find_as(self, name: str, kind: type[ModelT]) -> ModelT:
        """The model of this name, which must have the role of `kind`."""
        model = self.find(name)
        if not isinstance(model, kind):
            raise ConfigurationError(
                f"The model '{model.name}' is a {model.role}, not a {kind.__name__.lower()}."
            )
        return model

    def pipeline(self, name: str) -> Pipeline:
        """The pipeline of this name."""
        for pipeline in self.catalogue.pipeline:
            if pipeline.name == name:
                return pipeline
        known = ", ".join(pipeline.name for pipeline in self.catalogue.pipeline)
        raise ConfigurationError("No pipeline of this name is registered.", f"Use one of: {known}")

    def circuit(self, name: str) -> Circuit:
        """The compiled circuit of this name."""
        for circuit in self.catalogue.circuit:
            if circuit.name == name:
                return circuit
        raise ModelMissing("No circuit of this name is registered.")

    def locate(self, model: Model) -> Location | None:
        """The first place that has the model's file, whatever is in it; none if it is nowhere."""
        places = list(self.locations)
        if model.bundled_with == "opencv":
            places.append(Location("opencv", Path(cv2.data.haarcascades)))
        return next((place for place in places if (place.directory / model.file).is_file()), None)

    def read(self, model: Model) -> bytes:
        """The model's bytes, verified: networks are built from these, so nothing can change in between."""
        place = self.locate(model)
        if place is None:
            raise ModelMissing(f"The model '{model.name}' is not on this machine.", advice(model))
        path = place.directory / model.file
        try:
            data = path.read_bytes() if path.stat().st_size == model.size else b""
        except OSError as error:
            raise ModelCorrupt(
                f"The file of the model '{model.name}' ({place.label}) cannot be read.",
                "Check who may read it.",
            ) from error
        if hashlib.sha256(data).hexdigest() == model.sha256:
            return data
        raise ModelCorrupt(
            f"The file of the model '{model.name}' ({place.label}) does not have the registered digest.",
            f"Remove it. {advice(model)}",
        )


def read_catalogue(path: Path) -> Catalogue:
    """Parse a registry file; raises `ConfigurationError` alone."""
    try:
        return Catalogue.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else type(error).__name__
        raise ConfigurationError(f"The registry of models cannot be used: {reason}.") from error


def advice(model: Model) -> str:
    """One sentence on how to get a model's file."""
    if model.download is not None:
        return f"Get it with: blindwatch models pull {model.name}"
    if model.bundled_with is not None:
        return f"Install the package that brings it along again: {model.bundled_with}"
    return f"Get it from its source ({model.source}), then: blindwatch models import PATH"
