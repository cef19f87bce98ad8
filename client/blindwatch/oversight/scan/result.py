"""What a scan says of itself, as JSON: where it looked, what it found, and what it cannot show."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from blindwatch.statements.statement import Fields
from blindwatch.wire.messages import Count, Digest, Timestamp

FORMAT: Final = 1

LIMITS: Final = (
    "Copies that were encrypted, scrambled, scaled or otherwise computed on. Only bytes in one of the forms listed "
    "below are found, and what common compression and Base64 hold.",
    "Pictures in memory: pixels have no mark. There, only the photographs of canaries are known.",
    "Anything on other machines, on disks that were not named, in backups, in the cloud, or on paper.",
    "What a camera does whose software was changed, or a second camera beside it.",
    "That nobody filmed a screen, took notes or remembers a face.",
    "What was deleted and overwritten before the scan, and what was written after it.",
    "What went over an encrypted connection, or past the place where traffic was captured.",
    "Whether the machine showed its real files and memory: whoever controls its system can hide some.",
)
"""Read before anything else: what a scan cannot show."""

FORMS: Final = (
    "fragments of the canaries' photographs, faces, embeddings and templates: floating point of 16, 32 and 64 bits "
    "and integers of 8 to 64 bits in both orders of bytes, as text, JSON and CBOR; each as it is, in hexadecimal "
    "and in Base64",
    "templates that are like a canary's embedding, from whatever photograph they were made",
    "beginnings of image and film files: JPEG, PNG, WebP, BMP, GIF, HEIF, AVIF, JPEG 2000, JPEG XL, MP4, Matroska "
    "and AVI",
    "secret keys: of SEAL, age identities and files, PEM, PKCS #8, and twenty words of SLIP-39 in a row",
    "vectors that look like templates: of norm 1 in floating point, or small integers of the squared norms of our "
    "presets, little-endian or written as text",
    "all of that inside gzip, zlib, Zstandard, bzip2, xz and zip, in Base64 and hexadecimal, and in captured TCP",
)
"""What is looked for."""

Name = Annotated[str, Field(max_length=8192)]


class SearchedPlace(Fields):
    """A place that was searched: how many files or processes it had, and bytes."""

    place: Name
    items: Count
    size: Count


class FoundThing(Fields):
    """Everything of one kind and description in one place, without the bytes."""

    place: Name
    within: tuple[Name, ...]
    kind: Name
    what: Name
    count: Count
    offset: Count


class UnsearchedPlace(Fields):
    """A place that was not searched, and why."""

    place: Name
    why: Name


class Needles(Fields):
    """What known bytes were looked for: how many, of how many canaries, and the SHA-256 that names the set."""

    count: Count
    canaries: Count
    digest: Digest


class ScanResult(Fields):
    """One scan. `own_keys` are keys that belong where they were found, and nothing is wrong with them."""

    format: Literal[1]
    software: Name
    started_at: Timestamp
    ended_at: Timestamp
    needles: Needles
    vectors: bool
    searched: tuple[SearchedPlace, ...]
    unpacked: Count
    findings: tuple[FoundThing, ...]
    own_keys: tuple[FoundThing, ...]
    not_searched: tuple[UnsearchedPlace, ...]
    looked_for: tuple[Name, ...] = FORMS
    limits: tuple[Name, ...] = LIMITS

    @property
    def size(self) -> int:
        """Bytes that were searched, without those that were unpacked from them."""
        return sum(each.size for each in self.searched)

    @property
    def headline(self) -> str:
        """The one line that everybody reads."""
        if self.findings:
            places = len({each.place for each in self.findings})
            return f"Found what should not be there, in {places} place{'s' if places > 1 else ''}"
        if self.not_searched:
            return "Nothing was found in what could be searched"
        return "Nothing was found"

    def to_json(self) -> bytes:
        """The result as a file has it."""
        return self.model_dump_json(by_alias=True, indent=1).encode() + b"\n"
