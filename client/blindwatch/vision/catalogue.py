"""The shape of `registry.toml`: what the project knows of each model, and which models go together."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_MODEL_BYTES = 256 * 1024 * 1024

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Address = Annotated[str, Field(pattern=r"^https://[!-~]+$")]
Point = tuple[float, float]
Triple = tuple[float, float, float]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputLayout(_Record):
    """What a network takes: square pixels of 0 to 255, turned into (value - mean) / deviation."""

    layout: Literal["NCHW"]
    size: Annotated[int, Field(gt=0)] | None = None
    """Height and width; none if the network takes any multiple of 32."""
    colour: Literal["BGR", "RGB"]
    mean: Triple
    """In the order of `colour`, as are the deviations."""
    deviation: Triple


class FixedInput(InputLayout):
    """The input of a network with one size."""

    size: Annotated[int, Field(gt=0)]


class OperatingPoint(_Record):
    """A default threshold, and where its error rate was measured."""

    cosine: Annotated[float, Field(gt=-1, lt=1)]
    false_match_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Of embeddings in floating point; none if whoever published the threshold did not state it."""
    measured_on: str


class _Entry(_Record):
    name: Name
    file: FileName
    sha256: Digest
    size: Annotated[int, Field(gt=0, le=MAX_MODEL_BYTES)]
    licence: str
    source: Address
    """Where the model comes from, for a person to read."""
    download: Address | None = None
    """The file itself; none for models that are embedded or must be converted first."""
    bundled_with: Literal["blindwatch", "opencv"] | None = None
    """The package that brings the file along."""
    card: PurePosixPath
    """The model card, relative to the registry."""


class Detector(_Entry):
    """Finds faces with their five landmarks."""

    role: Literal["detector"]
    method: Literal["yunet", "cascade"]
    input: InputLayout | None = None
    landmarks: Name | None = None
    """The network that finds the landmarks in a cascade's boxes."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.method == "cascade") != (self.landmarks is not None and self.input is None):
            raise ValueError("a cascade names its landmark network, a network states its input")
        return self


class Landmarks(_Entry):
    """Finds the five landmarks in a face's box."""

    role: Literal["landmarks"]
    input: FixedInput


class Embedder(_Entry):
    """Turns an aligned face into a vector; faces of one person point the same way."""

    role: Literal["embedder"]
    input: FixedInput
    dimension: Annotated[int, Field(gt=0)]
    """Of the embedding that leaves the pipeline, after a projection."""
    projection: Name | None = None
    template: tuple[Point, Point, Point, Point, Point]
    operating_point: OperatingPoint


class Projection(_Entry):
    """Rows of an orthonormal projection, and below them the projected mean, as a NumPy array."""

    role: Literal["projection"]


Model = Annotated[Detector | Landmarks | Embedder | Projection, Field(discriminator="role")]


class Pipeline(_Record):
    """A detector and an embedder that were measured together."""

    name: Name
    detector: Name
    embedder: Name


class Circuit(_Record):
    """A compiled circuit of the TFHE engine, which is made on each machine and not shipped."""

    name: Name
    sha256: Digest
    """Of the circuit and the cryptographic parameters that were chosen for it."""
    compiler: str
    error_probability: Annotated[float, Field(gt=0, lt=2**-40)]
    """Of a wrong verdict, as the compiler states it for these parameters."""


class Catalogue(_Record):
    """All of `registry.toml`, with every reference in it resolved."""

    model: tuple[Model, ...]
    pipeline: tuple[Pipeline, ...]
    circuit: tuple[Circuit, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        roles = {model.name: model.role for model in self.model}
        if len(roles) != len(self.model) or len({model.sha256 for model in self.model}) != len(self.model):
            raise ValueError("two models share a name or a digest")
        references = [(model.landmarks, "landmarks") for model in self.model if isinstance(model, Detector)]
        references += [
            (model.projection, "projection") for model in self.model if isinstance(model, Embedder)
        ]
        for pipeline in self.pipeline:
            references += [(pipeline.detector, "detector"), (pipeline.embedder, "embedder")]
        for name, role in references:
            if name is not None and roles.get(name) != role:
                raise ValueError(f"'{name}' is not a registered model with the role {role}")
        return self
