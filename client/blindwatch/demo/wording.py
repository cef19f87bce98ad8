"""Words and units that the table and the report share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blindwatch.demo.outcome import Outcome, Sighting


@dataclass(frozen=True)
class Datum:
    """Something that exists during a run, and what each role can see of it."""

    name: str
    custodian: str
    camera: str
    server: str
    operator: str


NOTHING: Final = "nothing"

VISIBILITY: Final = (
    Datum("Photographs and names of the list", "in clear", NOTHING, NOTHING, "names only"),
    Datum("Templates of the list", "in clear", NOTHING, "encrypted", NOTHING),
    Datum("Photograph of a passer-by", NOTHING, "in clear, in memory", NOTHING, NOTHING),
    Datum("Template of a passer-by", NOTHING, "in clear, in memory", "encrypted", NOTHING),
    Datum("Score against an entry that matches", NOTHING, NOTHING, "encrypted", "in clear"),
    Datum("Score against an entry that does not", NOTHING, NOTHING, "encrypted", "random numbers"),
    Datum("That somebody matched, and who", NOTHING, NOTHING, "encrypted", "in clear"),
    Datum("Which camera sent a probe, and when", NOTHING, "in clear", "in clear", "in clear"),
    Datum("Secret key", "in clear, in memory", NOTHING, NOTHING, "in clear, in memory"),
)


def duration(milliseconds: float) -> str:
    """A time with a unit that suits it."""
    if milliseconds < 1:
        return "under 1 ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def size(count: int | None) -> str:
    """A number of bytes with a unit that suits it."""
    if count is None:
        return "none"
    for unit, factor in (("MB", 1_000_000), ("kB", 1000)):
        if count >= factor:
            return f"{count / factor:.{0 if count >= 100 * factor else 1}f} {unit}"
    return f"{count} B"


def counted(count: int, one: str, several: str) -> str:
    """A count and its noun."""
    return f"{count} {one if count == 1 else several}"


def listed(names: tuple[str, ...]) -> str:
    """Names as they stand in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nobody"


def seen_by(sighting: Sighting) -> str:
    """Who could see entry and score of this passer-by."""
    return "operator" if sighting.matches else "nobody"


def headline(outcome: Outcome) -> str:
    """The result of a run in one line."""
    passed = counted(len(outcome.sightings), "face", "faces")
    if outcome.false_matches:
        return f"{passed} passed a camera. {len(outcome.sightings) - len(outcome.closed)} were revealed."
    return f"{passed} passed a camera. Only those on the list were revealed."


def summary(outcome: Outcome) -> tuple[str, ...]:
    """The result of a run in a few sentences."""
    expected = {each.person for each in outcome.sightings if each.relation.on_list}
    rate = f"{len(outcome.found)} of {counted(len(expected), 'person', 'people')} on the list who passed"
    sentences = [f"Found: {listed(outcome.found)} ({rate})."]
    if outcome.missed:
        missed = listed(tuple(dict.fromkeys(each.person for each in outcome.missed)))
        sentences.append(f"Not recognised by the face model in one photograph or more: {missed}.")
    if outcome.wrong_matches:
        wrong = counted(outcome.wrong_matches, "false match", "false matches")
        sentences.append(f"The face model gave {wrong}: an entry of the list that is somebody else.")
    if outcome.closed:
        closed = counted(len(outcome.closed), "other face", "other faces")
        start = "Of" if outcome.false_matches else "Nobody else was revealed: of"
        sentences.append(f"{start} {closed} the operator decrypted random numbers.")
    sentences.append(
        "Every decision and every score is the one that the templates give in clear."
        if outcome.exact
        else "Some decisions or scores differ from those that the templates give in clear: this is an error."
    )
    return tuple(sentences)
