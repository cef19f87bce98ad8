"""`blindwatch oversight overview`: many deployments on one page, with the record and the verification of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.errors import BlindwatchError, StatementMismatch
from blindwatch.oversight import archiving, recording, report, verifying
from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.catalogue import Replay, carry_out_all
from blindwatch.oversight.checks.findings import Unchecked, Verdict
from blindwatch.oversight.deployment_record import DeploymentRecord
from blindwatch.oversight.intervals import SMALL
from blindwatch.oversight.verification import Facts, Verification
from blindwatch.records.server import DeploymentClosed
from blindwatch.statements.deadlines import Deadline, deadlines
from blindwatch.statements.register import Register

INDEX: Final = "index.html"
REPORT: Final = "verification"


@dataclass(frozen=True)
class Line:
    """A deployment in the table: what all checks found, and its record or why there is none."""

    found: Verification
    place: str
    window: str
    record: DeploymentRecord | None
    no_record: str
    archive: str | None
    next: Deadline | None = None
    """What lapses next of a deployment that is not over."""

    @property
    def deployment(self) -> str:
        """Its name, which is that of its folder."""
        return self.found.bundle.deployment


def overview(
    bundles: Annotated[list[Path], typer.Argument(help="Folders of bundles, one for each deployment.")],
    register: Annotated[Path, typer.Option(help="Your own copy of the register.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="New folder for the pages.")],
    archives: Annotated[
        bool, typer.Option("--archives", help="Put every bundle beside its pages as one file to hand on.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Compute the drawn results again. Needs: blindwatch[he].")
    ] = False,
) -> None:
    """Verify many deployments, and write pages: a table of all, and of each the public record and every check.

    Nothing in the bundles is trusted, and no server is asked. Exit code 1 if a check failed.
    """
    people, opened = Register.load(register), [Bundle.open(each) for each in bundles]
    if len({each.deployment for each in opened}) < len(opened):
        raise StatementMismatch("Two bundles are of one deployment.", "Name one bundle for each deployment.")
    engine = verifying.replay_engine(lambda _done, _every: None) if replay else None
    with files.new_folder(out, "pages") as folder, progress() as display:
        lines = [
            _line(each, people, folder, archives, engine)
            for each in display.track(opened, description="Verifying")
        ]
        files.write_private(folder / INDEX, page(lines).encode(), "page")
    failed = sum(bool(each.found.of(Verdict.FAILED)) for each in lines)
    Console().print(f"[green]Written:[/] {len(lines)} deployments; of {failed} a check failed")
    if failed:
        raise typer.Exit(1)


def page(lines: list[Line]) -> str:
    """The table of all deployments as HTML."""
    return (
        report.environment()
        .get_template("overview.html.j2")
        .render(
            lines=lines,
            failed=[each for each in lines if each.found.of(Verdict.FAILED)],
            signs=report.SIGNS,
            record_page=recording.PAGE,
            report_page=f"{REPORT}.html",
            small=SMALL,
            made_at=datetime.now(UTC),
        )
    )


def _line(bundle: Bundle, people: Register, out: Path, archives: bool, engine: Replay | None) -> Line:
    """Verify a bundle and write its pages into a folder of its own."""
    case = Case(bundle, people)
    found = Verification(bundle, Facts.of(case), tuple(carry_out_all(case, engine)))
    folder = files.make_folder(out / bundle.deployment, "pages")
    files.write_private(folder / f"{REPORT}.json", found.to_json(), "report")
    files.write_private(folder / f"{REPORT}.html", report.page(found).encode(), "report")
    made, why = None, ""
    try:
        made = recording.read(case, published=True)
        recording.write(made, folder)
    except BlindwatchError as error:
        why = error.detail
    archive = archiving.archive(bundle, folder) if archives else None
    about = dict(found.facts.about)
    place, time = about.get("Place", "not known"), about.get("Time", "not known")
    return Line(found, place, time, made, why, archive, _next(case, datetime.now(UTC)))


def _next(case: Case, at: datetime) -> Deadline | None:
    """What lapses next, by the newest manifest; nothing once the log has the end, or if that is not known."""
    try:
        if case.course.last(DeploymentClosed) is not None:
            return None
        found = deadlines(case.newest.manifest, case.profile)
    except Unchecked:
        return None
    return next((each for each in found if each.at > at), None)
