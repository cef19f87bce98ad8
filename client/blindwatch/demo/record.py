"""What the roles reported, put together to an outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from blindwatch.demo.clear import ClearFace, ClearView
from blindwatch.demo.outcome import Entry, Match, Outcome, Peek, Sighting, Step
from blindwatch.demo.photographs import Cast, Photograph, Relation
from blindwatch.errors import InternalError
from blindwatch.he.presets import Preset

Report = dict[str, Any]
"""What a role's command printed or wrote as JSON."""


@dataclass
class Record:
    """The reports of the roles, in the order of their work."""

    ceremony_ms: float = 0.0
    bundle_size: int = 0
    enrol_ms: float = 0.0
    names: list[str] = field(default_factory=list)
    gate: int = 0
    threshold: int = 0
    list_size: int = 0
    upload_ms: float = 0.0
    looks: list[Report] = field(default_factory=list)
    """One for each photograph, by the camera."""
    readings: dict[str, Report] = field(default_factory=dict)
    """One for each probe, by the operator."""

    @property
    def probes(self) -> list[Report]:
        """All probes that the camera sent."""
        return [probe for look in self.looks for probe in look["probes"]]


def assemble(
    cast: Cast, record: Record, peeks: list[Peek], view: ClearView, preset: Preset, seconds: float
) -> Outcome:
    """The outcome of a run, with the true scores beside what was decrypted."""
    enrolled = {photograph.person: view.faces(photograph.data)[0] for photograph in cast.enrolled}
    gallery = [enrolled[name] for name in record.names]
    entries = tuple(Entry(i, name, enrolled[name].picture) for i, name in enumerate(record.names))
    return Outcome(
        entries=entries,
        sightings=tuple(_sightings(cast, record, view, entries, gallery)),
        peeks=tuple(peeks),
        steps=tuple(_steps(record)),
        source=cast.source,
        gate=record.gate,
        threshold=record.threshold,
        highest=preset.fine_squared_norm,
        preset=preset.name,
        seconds=seconds,
    )


def _sightings(
    cast: Cast, record: Record, view: ClearView, entries: tuple[Entry, ...], gallery: list[ClearFace]
) -> Iterator[Sighting]:
    for photograph, look in zip(cast.crowd, record.looks, strict=True):
        faces = view.faces(photograph.data)
        if len(faces) != len(look["probes"]):
            raise InternalError("The camera saw other faces than the demonstration.")
        for place, (face, probe) in enumerate(zip(faces, look["probes"], strict=True)):
            reading = record.readings[probe["probeId"]]
            person, relation = _who(photograph, place)
            coarse, fine = view.scores(gallery, face)
            yield Sighting(
                probe_id=probe["probeId"],
                person=person,
                relation=relation,
                picture=face.picture,
                matches=tuple(Match(entries[each["entry"]], each["score"]) for each in reading["matches"]),
                coarse_scores=coarse,
                true_scores=fine,
                camera_ms=look["visionMs"] / len(faces) + probe["encryptMs"],
                server_ms=reading["serverMs"],
                operator_ms=reading["decryptMs"],
                probe_bytes=probe["bytes"],
                result_bytes=reading["bytes"],
            )


def _who(photograph: Photograph, place: int) -> tuple[str, Relation]:
    """The most central face is the person that the photograph is of."""
    if place == 0:
        return photograph.person, photograph.relation
    return f"beside {photograph.person}", Relation.BESIDE


def _steps(record: Record) -> Iterator[Step]:
    looks, probes, readings = record.looks, record.probes, list(record.readings.values())
    vision = median(look["visionMs"] for look in looks)
    encryption = median(probe["encryptMs"] for probe in probes)
    sending = median(probe["sendMs"] for probe in probes)
    probe_size = round(median(probe["bytes"] for probe in probes))
    server = median(reading["serverMs"] for reading in readings)
    result_size = round(median(reading["bytes"] for reading in readings))
    decryption = median(reading["decryptMs"] for reading in readings)
    people = len(record.names)
    yield Step("Custodian", "makes the keys", 1, record.ceremony_ms, None)
    yield Step("Custodian", f"enrols {people} people and encrypts the list", 1, record.enrol_ms, None)
    sent = record.bundle_size + record.list_size
    yield Step("Custodian", "uploads list and public keys; the server loads them", 1, record.upload_ms, sent)
    yield Step("Camera", "finds the faces of a photograph and makes templates", len(looks), vision, None)
    yield Step("Camera", "encrypts a template", len(probes), encryption, None)
    yield Step("Camera", "sends the probe", len(probes), sending, probe_size)
    yield Step(
        "Match server", f"compares a probe with all {people} entries", len(readings), server, result_size
    )
    yield Step("Operator", "decrypts a result and keeps matches", len(readings), decryption, None)
