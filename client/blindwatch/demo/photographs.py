"""Who is on the list and who walks by: photographs inside a package, or a folder of people.

The built-in photographs come with scikit-image: the official portrait of an astronaut, and a hundred faces
of Labeled Faces in the Wild at 25 x 25 pixels. Four of the small ones show one man on four occasions, so one
person is found by other photographs than the enrolled one. The rest are there once: where such a person is
to be found, the camera sees the same photograph altered, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from blindwatch.errors import ConfigurationError
from blindwatch.vision.image import Image, files_in

JPEG_QUALITY: Final = 97
LIST_ONLY: Final = 40
"""How many people are on the list and do not walk by, at most."""

_STRICT: Final = 0.55
"""Faces of 25 pixels resemble each other more than those on which operating points are measured."""

_SIDE: Final = 144
_BORDER: Final = 32
_SOFTNESS: Final = 9.0
_SEVERAL_OCCASIONS: Final = (0, 90, 36, 73)
_ALTERED: Final = (18, 31, 77)
_STRANGERS: Final = (3, 11, 15, 23, 35, 41, 52, 65, 72)


class Relation(Enum):
    """What a passer-by's photograph has to do with the list."""

    OTHER_PHOTOGRAPH = "another photograph of a person on the list"
    ALTERED_PHOTOGRAPH = "the enrolled photograph, mirrored, turned and darkened"
    STRANGER = "not on the list"
    BESIDE = "another face, or what was taken for one, in the photograph of somebody"

    @property
    def on_list(self) -> bool:
        """Whether this person should be found."""
        return self in {Relation.OTHER_PHOTOGRAPH, Relation.ALTERED_PHOTOGRAPH}


@dataclass(frozen=True)
class Photograph:
    """One encoded photograph of one person."""

    person: str
    data: bytes
    relation: Relation = Relation.STRANGER


@dataclass(frozen=True)
class Cast:
    """The people of one run, and where their photographs come from."""

    enrolled: tuple[Photograph, ...]
    crowd: tuple[Photograph, ...]
    source: str
    cosine: float | None = None
    """The similarity that counts as a match; none for the operating point of the face model."""


Usable = Callable[[bytes], bool]
"""Whether a face is found in a photograph."""


def built_in(people: int, usable: Usable) -> Cast:
    """The photographs that scikit-image carries, as a list and a crowd of at most `people`."""
    data: Any = skimage.data  # its functions carry no types
    portrait = np.asarray(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR), np.uint8)
    faces = dict(enumerate(small_faces()))
    same, *others = _SEVERAL_OCCASIONS
    crowd = [Photograph("Astronaut", encode(alter(portrait)), Relation.ALTERED_PHOTOGRAPH)]
    crowd += [Photograph(_name(same), encode(faces[number]), Relation.OTHER_PHOTOGRAPH) for number in others]
    strangers = [Photograph(_name(number), encode(faces[number])) for number in _STRANGERS]
    altered = [
        Photograph(_name(number), encode(alter(faces[number])), Relation.ALTERED_PHOTOGRAPH)
        for number in _ALTERED
    ]
    crowd = _interleave(crowd + altered, strangers)
    seen = {*_SEVERAL_OCCASIONS, *_STRANGERS}
    listed = [Photograph("Astronaut", encode(portrait)), Photograph(_name(same), encode(faces[same]))]
    listed += [Photograph(_name(n), encode(face)) for n, face in faces.items() if n not in seen]
    walking = {photograph.person for photograph in crowd}
    shown = [each for each in listed if each.person in walking]
    rest = [each for each in listed if each.person not in walking and usable(each.data)]
    return Cast(
        enrolled=tuple(shown + rest[:LIST_ONLY]),
        crowd=tuple(crowd[:people]),
        source="photographs inside the package scikit-image: a portrait of an astronaut (NASA, public "
        "domain) and faces of Labeled Faces in the Wild at 25 x 25 pixels",
        cosine=_STRICT,
    )


def small_faces() -> list[Image]:
    """The hundred faces of 25 x 25 pixels, enlarged."""
    data: Any = skimage.data  # its functions carry no types
    return [_enlarge(image) for image in data.lfw_subset()[:100]]


def from_folder(folder: Path, people: int, usable: Usable) -> Cast:
    """A folder of `NAME/*.jpg`: half of those who walk by are on the list, by another photograph."""
    if not folder.is_dir():
        raise ConfigurationError("The folder of photographs does not exist.")
    folders = sorted(each for each in folder.iterdir() if each.is_dir())
    persons = {each.name.replace("_", " "): files_in(each) for each in folders}
    persons = {name: files for name, files in persons.items() if files}
    several = [name for name, files in persons.items() if len(files) > 1]
    walking = _usable_pairs(persons, _spread(several), usable, people // 2)
    taken = {enrolled.person for enrolled, _ in walking}
    others = _usable_firsts(persons, _spread([name for name in persons if name not in taken]), usable)
    strangers = [each for each, _ in zip(others, range(people - people // 2), strict=False)]
    rest = [each for each, _ in zip(others, range(LIST_ONLY), strict=False)]
    if not walking or not strangers:
        raise ConfigurationError(
            "The folder does not have enough people with usable photographs.",
            "It needs one folder for each person, NAME/*.jpg, and two photographs for some of them.",
        )
    return Cast(
        enrolled=tuple([enrolled for enrolled, _ in walking] + rest),
        crowd=tuple(_interleave([seen for _, seen in walking], strangers)),
        source="photographs of a folder that was chosen; names are those of its sub-folders",
    )


def alter(image: Image) -> Image:
    """The photograph as another camera might have caught it: mirrored, turned by six degrees, darker."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 6, 1.04)
    turned = cv2.warpAffine(image[:, ::-1], turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(255 * (turned / 255.0) ** 1.3, np.uint8)


def encode(image: Image) -> bytes:
    """The image as a JPEG file."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _enlarge(face: NDArray[np.float64]) -> Image:
    grey = (np.clip(face, 0, 1) * 255).astype(np.uint8)
    large = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, _BORDER, _BORDER, _BORDER, _BORDER, cv2.BORDER_REPLICATE)
    # Soft outside the photograph: edges drawn out in streaks would look like a part of it.
    framed = cv2.GaussianBlur(framed, (0, 0), _SOFTNESS)
    framed[_BORDER:-_BORDER, _BORDER:-_BORDER] = large
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8)


def _name(number: int) -> str:
    return f"Face {number:02}"


def _interleave(first: list[Photograph], second: list[Photograph]) -> list[Photograph]:
    """Both lists in turns, so that neither comes in a row."""
    merged = [each for pair in zip(first, second, strict=False) for each in pair]
    shorter = min(len(first), len(second))
    return merged + first[shorter:] + second[shorter:]


def _spread(names: list[str]) -> list[str]:
    """The names in an order that takes from the whole alphabet first, the same at every run."""
    stride = 37
    return [name for start in range(stride) for name in names[start::stride]]


def _usable_pairs(
    persons: dict[str, list[Path]], names: list[str], usable: Usable, count: int
) -> list[tuple[Photograph, Photograph]]:
    found: list[tuple[Photograph, Photograph]] = []
    for name in names:
        if len(found) == count:
            break
        first, second = (path.read_bytes() for path in persons[name][:2])
        if usable(first) and usable(second):
            seen = Photograph(name, second, Relation.OTHER_PHOTOGRAPH)
            found.append((Photograph(name, first), seen))
    return found


def _usable_firsts(persons: dict[str, list[Path]], names: list[str], usable: Usable) -> Iterator[Photograph]:
    for name in names:
        data = persons[name][0].read_bytes()
        if usable(data):
            yield Photograph(name, data)
