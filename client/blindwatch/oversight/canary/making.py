"""What a camera and its software make of test faces, as fragments to look for afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from blindwatch.errors import ConfigurationError, ImageError, NoFace
from blindwatch.he.presets import PRESETS
from blindwatch.he.ranked.presets import RANK_PRESETS
from blindwatch.oversight.canary.folder import FORMAT, MILLION, Canary, Part
from blindwatch.oversight.scan.forms import Fragment, of_bytes, of_embedding, of_integers
from blindwatch.vision.image import Image, decode, files_in
from blindwatch.vision.pipeline import Face, FacePipeline
from blindwatch.vision.quantise import quantise
from blindwatch.wire.messages import now

_SCAN: Final = b"\xff\xda"
_PLACES: Final = 64
"""Fragments of a photograph, and of every form of its pixels."""


def photographs(folder: Path) -> list[Path]:
    """The photographs in a folder, by name; raises ConfigurationError if there is none."""
    try:
        found = files_in(folder)
    except OSError as error:
        raise ConfigurationError(f"The folder of photographs cannot be read ({error.strerror}).") from None
    if not found:
        raise ConfigurationError("The folder has no photographs.", "Use JPEG, PNG, WebP or BMP files.")
    return found


def make_canary(photograph: Path, number: int, pipeline: FacePipeline, name: str) -> Canary:
    """The canary of one photograph, of its most central face; raises ImageError subclasses."""
    who = f"canary {number}"
    try:
        data = photograph.read_bytes()
        faces = pipeline.faces(data)
    except (OSError, ImageError) as error:
        kind = type(error) if isinstance(error, ImageError) else ConfigurationError
        reason = "shows no face" if isinstance(error, NoFace) else "cannot be read"
        raise kind(f"Photograph {number}, in the order of names, {reason}.", "Use others.") from None
    fragments = [
        *of_bytes(f"photograph of {who}", _own_part(data), _PLACES),
        *_pixels(f"pixels of {who}", decode(data)),
        *_of_face(who, faces[0]),
    ]
    return Canary(
        format=FORMAT,
        name=who,
        file=photograph.name,
        made_at=now(),
        pipeline=name,
        model_digest=pipeline.model_digest,
        threshold=round(pipeline.operating_point * MILLION),
        faces=len(faces),
        embedding=faces[0].embedding.astype("<f4").tobytes(),
        fragments=[Part(what=what, data=part) for what, part in fragments if part],
    )


def _own_part(photograph: bytes) -> bytes:
    """An encoded photograph without its head: tables of JPEG are the same in many photographs."""
    return photograph[max(photograph.rfind(_SCAN), len(photograph) // 8) :]


def _of_face(who: str, face: Face) -> Iterator[Fragment]:
    yield from _pixels(f"face crop of {who}", face.crop)
    floats = face.crop.astype("<f4")
    for what, values in (("blue first", floats), ("red first", floats[..., ::-1])):
        planes = values.transpose(2, 0, 1).tobytes()
        yield from of_bytes(f"face crop of {who} as float32 planes, {what}", planes, _PLACES)
    yield from of_embedding(f"embedding of {who}", face.embedding)
    for norm in sorted(_norms(len(face.embedding))):
        template = quantise(face.embedding, norm)
        yield from of_integers(f"template of {who} with squared norm {norm}", template)


def _norms(dimension: int) -> set[int]:
    """The squared norms of all presets with templates of a dimension."""
    reveal = [each for each in PRESETS.values() if each.dimension == dimension]
    return {norm for each in reveal for norm in (each.squared_norm, each.fine_squared_norm)} | {
        each.squared_norm for each in RANK_PRESETS.values() if each.dimension == dimension
    }


def _pixels(what: str, image: Image) -> Iterator[Fragment]:
    for order, values in (("blue first", image), ("red first", image[..., ::-1])):
        yield from of_bytes(f"{what}, {order}", np.ascontiguousarray(values).tobytes(), _PLACES)
        yield from of_bytes(f"{what} in planes, {order}", values.transpose(2, 0, 1).tobytes(), _PLACES)
