"""What the operator sees of matches: references and instructions in place of names, and priorities in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

from rich.markup import escape
from rich.table import Table

from blindwatch.errors import LogError, Problem, error_for
from blindwatch.he.verdicts import SQUARED_NORM, Verdicts
from blindwatch.operator.fetching import Reading
from blindwatch.operator.searching import Candidate
from blindwatch.opinion.showing import certainty
from blindwatch.statements.package import PackageEntry, Priority

PRIORITIES: Final = {
    Priority.RED: "[bold white on red]▲ RED[/]",
    Priority.AMBER: "[black on yellow]◆ AMBER[/]",
    Priority.GREEN: "[black on green]● GREEN[/]",
}
"""Word, sign and colour: each alone tells the three apart."""


def describe(reading: Reading, entries: Sequence[PackageEntry]) -> dict[str, object]:
    """A result for the record: its matches, and of a result without any only that it was read."""
    return {
        "probeId": reading.probe_id,
        "camera": reading.camera,
        "capturedAt": reading.captured_at,
        "matches": [
            {"entry": each.entry, **_entry(entries[each.entry]), "score": each.score}
            for each in reading.matches
        ],
        "problem": reading.problem.urn if reading.problem else None,
        "serverMs": reading.server_ms,
        "decryptMs": round(reading.decrypt_ms, 1),
        "bytes": reading.size,
    }


def describe_candidates(candidates: Iterable[Candidate], entries: Sequence[PackageEntry]) -> list[object]:
    """A ranking for the record."""
    return [{"entry": c.entry, **_entry(entries[c.entry]), "score": c.score} for c in candidates]


def matches(done: Sequence[Reading], entries: Sequence[PackageEntry]) -> Table:
    """The matches of results that were read, and what could not be read or may not be so."""
    table = Table(
        *("Probe", "Camera", "Captured", "Priority", "Entry", "Category", "Instruction", "Image", "Score"),
        title="Matches, for a person to decide on",
    )
    for reading in done:
        start = (reading.probe_id[:8], reading.camera, reading.captured_at)
        for each in reading.matches:
            table.add_row(*start, *_cells(entries[each.entry]), str(each.score))
        if reading.problem:
            table.add_row(*start, "", f"[bold red]{_failure(reading.problem)}[/]")
    table.caption = "; ".join(_counts(done))
    return table


def answer(reading: Reading, shortcomings: Sequence[str]) -> str:
    """What a check has given, in words that say how far it may be believed."""
    if reading.matches:
        said = "[bold]Match.[/] Somebody on the list looks like this person. Compare them yourself before you act."
    elif reading.problem is not None:
        said = f"[bold red]No answer[/], {_failure(reading.problem)}. This says nothing about the person."
    else:
        said = (
            "[bold]No match.[/] Faces on the list are missed at times: this does not say who the person is."
        )
    return " ".join([said, *(f"[yellow]{each}[/]" for each in shortcomings)])


def comparison(entry: PackageEntry, verdicts: Verdicts, shortcomings: Sequence[str]) -> str:
    """What a comparison with one entry has given, in words that say how far it may be believed."""
    about = f"entry {entry.reference} ({escape(entry.category)})"
    if all(verdicts.matches):
        said = f"[bold]Match[/] with {about}. People who look alike match too: compare them yourself before you act."
    else:
        said = (
            f"[bold]No match[/] with {about}. One person's photographs differ at times: this does not say who it is, "
            "and nothing of other entries."
        )
    return " ".join([said, *(f"[yellow]{each}[/]" for each in shortcomings)])


def arithmetic(scheme: str, verdicts: Verdicts, threshold: int) -> str:
    """How a verdict was computed, how long that took and how sure the arithmetic is."""
    return (
        f"Under {escape(scheme)}, threshold {threshold} of {SQUARED_NORM}; compared in {verdicts.seconds:.1f} s.\n"
        f"{certainty(verdicts)}"
    )


def ranking(candidates: Sequence[Candidate], entries: Sequence[PackageEntry], squared_norm: int) -> Table:
    """Entries of a gallery, the most alike first."""
    table = Table(
        *("Rank", "Priority", "Entry", "Category", "Instruction", "Image", "Score", "Likeness"),
        title="Most alike, for a person to decide on",
    )
    for place, each in enumerate(candidates, 1):
        likeness = f"{each.score / squared_norm:.2f}"
        table.add_row(str(place), *_cells(entries[each.entry]), str(each.score), likeness)
    table.caption = "A ranking always has a first: whoever is searched for may not be in the gallery at all"
    return table


def image_age(taken: date | None, today: date) -> str:
    """How old a photograph is, as an operator should weigh it."""
    if taken is None:
        return "of unknown age"
    months = (today.year - taken.year) * 12 + today.month - taken.month - (today.day < taken.day)
    if months < 1:
        return "under a month old"
    if months < 24:
        return f"{months} month{'s' if months > 1 else ''} old"
    return f"{months // 12} years old"


def _entry(entry: PackageEntry) -> dict[str, object]:
    return entry.model_dump(mode="json", by_alias=True)


def _cells(entry: PackageEntry) -> tuple[str, ...]:
    instruction = escape(entry.instruction or "-")
    if entry.known_relative:
        instruction += f"\n[bold]Known to look alike:[/] {escape(entry.known_relative)}"
    age = image_age(entry.image_date, datetime.now(UTC).date())
    return PRIORITIES[entry.priority], entry.reference, entry.category, instruction, age


def _failure(problem: Problem) -> str:
    if problem is Problem.REMOVAL_IGNORED:
        return f"violation: {problem.title}"
    return f"{'not opened' if _is_of_log(problem) else 'not read'}: {problem.title}"


def _is_of_log(problem: Problem) -> bool:
    """Whether the server's log does not prove what came with it."""
    return issubclass(error_for(problem), LogError)


def _counts(done: Sequence[Reading]) -> Iterator[str]:
    problems = [each.problem for each in done if each.problem is not None]
    violations, unproven = problems.count(Problem.REMOVAL_IGNORED), sum(map(_is_of_log, problems))
    failed = len(problems) - violations - unproven
    yield f"{len(done) - failed - unproven} results read, {sum(bool(each.matches) for each in done)} with a match"
    if failed:
        yield f"{failed} not read, which says nothing about who was seen"
    if unproven:
        yield f"{unproven} not opened, because the server's log does not prove them: report this"
    if violations:
        yield f"{violations} with a removed entry that the server matched all the same: report this"
