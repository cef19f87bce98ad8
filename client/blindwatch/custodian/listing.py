"""`blindwatch custodian`: enrol, sign-watchlist, was-listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.custodian import approvals, building, enrolling, membership, page, signing, summary
from blindwatch.custodian.building import Terms
from blindwatch.custodian.entries import Entry
from blindwatch.custodian.importing import read_folder, read_list
from blindwatch.custodian.page import Import
from blindwatch.custodian.rules import Rules
from blindwatch.custodian.viewing import Viewing
from blindwatch.custodian.volunteers import Volunteers
from blindwatch.deployment.prediction import curves, predict
from blindwatch.errors import ConfigurationError, InvalidList, PolicyViolation
from blindwatch.he.ranked.keys import RankKey
from blindwatch.policy.profile import profile as find_profile
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry

Folder = Annotated[Path, typer.Option(help="Folder of the watchlist.", exists=True, file_okay=False)]
SigningKeys = Annotated[Path, typer.Option(help="Your signing keys, a PEM file.", dir_okay=False)]
People = Annotated[Path, typer.Option(help="Your copy of the register of people.", dir_okay=False)]
_NOTE: Final = (
    "[yellow]Note:[/] the report holds photographs and names. Keep it in the folder of the photographs, where "
    "'deployment close' destroys it with them, or delete it once you have read it."
)


def enrol(
    keys: Annotated[Path, typer.Option(help="Folder of the key ceremony.", file_okay=False)],
    deployment: Annotated[str, typer.Option(help="Name of the deployment that the list is for.")],
    profile: Annotated[str, typer.Option(help="Policy profile that the deployment follows.")],
    identity: SigningKeys,
    register: People,
    watchlist: Annotated[Path, typer.Option(help="New folder for the encrypted watchlist.")],
    listed: Annotated[
        Path | None,
        typer.Option(
            "--list", help="Folder with watchlist.csv and photographs.", exists=True, file_okay=False
        ),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(help="Folder with NAME/*.jpg; for demonstrations only.", exists=True, file_okay=False),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Lowest similarity (cosine) of a match; the model's operating point by default."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="New file for a page of the import. It holds photographs and names: keep it with the photographs."
        ),
    ] = None,
    checks: Annotated[
        Path | None,
        typer.Option(
            help="Folder with photographs of volunteers who are not on the list, to test whether operators look.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = DEFAULT,
) -> None:
    """Encrypt a list of people into a new folder, and sign it.

    Nothing is written if anything is wrong with any row; all that is wrong is shown at once. Names stay in
    names.json, which is for you alone; the operator gets operator.json.
    """
    signer, people = Identity.from_pem(files.read(identity, "signing keys")), Register.load(register)
    creator = signing.custodian(signer, people)
    rules = Rules(find_profile(profile), signing.approvers(people, creator), datetime.now(UTC).date())
    models = FacePipeline.named(Registry.load(), pipeline)
    terms = enrolling.terms(keys, deployment, rules.profile, models, threshold, creator.name)
    files.check_new_folder(watchlist, "watchlist")
    if report is not None:
        page.check_place(report, watchlist)
    viewing = Viewing(models)
    with _faults_shown(report, Import(deployment, rules, viewing, datetime.now(UTC))):
        entries = _entries(listed, faces, rules)
        with progress() as display:
            enrolling.look(viewing, entries, display)
            volunteers = Volunteers.look(checks, models)
            enrolling.write(watchlist, terms, viewing.views, volunteers, signer, display)
    if report is not None:
        made = Import(deployment, rules, viewing, datetime.now(UTC), listed=building.written(watchlist))
        page.write(report, _with_prediction(made, terms))
    _tell(viewing, rules, terms)
    if report is not None:
        Console().print(_NOTE)


def sign_watchlist(
    watchlist: Folder,
    identity: SigningKeys,
    register: People,
    approve_sensitive: Annotated[
        bool, typer.Option("--approve-sensitive", help="Agree to the entries for which the list names you.")
    ] = False,
) -> None:
    """Add your signature to a list that a custodian built. Its files are checked first.

    Custodians sign the list as a whole. Whoever is named as second approver of entries, under age or sensitive
    otherwise, agrees to these as well, and is asked whether they do.
    """
    signer, people = Identity.from_pem(files.read(identity, "signing keys")), Register.load(register)
    person, console = people.holder(signer.public), Console()
    envelope, made, special = signing.read(watchlist)
    mine = [record for record in special.values() if record["secondApprover"] == person.name]
    if not mine:
        signing.custodian(signer, people)
    counted = ", ".join(f"{count} {name}" for name, count in sorted(made.by_category.items()))
    console.print(
        f"List of {made.deployment}, built {made.built_at}: {counted}; {made.under_age} under age; "
        f"a second person has to agree to {made.second_approvals}"
    )
    if special:
        console.print(approvals.table(special.values()))
    if mine and not approve_sensitive:
        _ask(console, f"Do you agree to the {len(mine)} entries that name you as second approver?")
    signed = signing.sign(watchlist, envelope, signer)
    names = ", ".join(each.name for each in people.signers(signed).valid)
    console.print(f"[green]Signed[/] by {names}")


def was_listed(
    commitments: Annotated[Path, typer.Option("--membership", help="File membership.json.", dir_okay=False)],
    key: Annotated[Path, typer.Option(help="File membership.key.", dir_okay=False)],
    nominal: Annotated[str, typer.Option(help="The person's nominal reference.")],
) -> None:
    """Answer whether somebody was on a list, also after the list is destroyed."""
    members = membership.Membership.load(commitments)
    found = members.includes(nominal, membership.load_key(key))
    answer = "[green]yes[/], on" if found else "[bold]no[/], not on"
    Console().print(f"{answer} the list of {members.deployment}")


def _ask(console: Console, question: str) -> None:
    """Go on only if a person says yes at a terminal."""
    if not console.is_terminal:
        raise ConfigurationError(
            "The list names you as second approver of entries.", "Read them, and give --approve-sensitive."
        )
    typer.confirm(question, abort=True)


def _entries(listed: Path | None, faces: Path | None, rules: Rules) -> list[Entry]:
    if listed is not None and faces is None:
        return read_list(listed, rules)
    if faces is not None and listed is None:
        return read_folder(faces, rules)
    raise ConfigurationError("Give either --list or --faces.")


@contextmanager
def _faults_shown(report: Path | None, made: Import) -> Iterator[None]:
    """Faults are shown at the terminal, and on the page of the import if there is to be one."""
    try:
        yield
    except InvalidList as error:
        if error.faults:
            Console(stderr=True).print(summary.faults(error.faults))
            if report is not None:
                page.write(report, replace(made, faults=error.faults))
                Console(stderr=True).print(_NOTE)
        raise


def _with_prediction(made: Import, terms: Terms) -> Import:
    """With the errors to expect of the list, from what was measured of its model, or why none can be predicted."""
    if isinstance(terms.key, RankKey):
        return replace(made, no_prediction="Ranked search has no threshold: people judge every score.")
    try:
        measured = curves(Registry.load(), terms.model_digest)
        found = predict(measured, terms.thresholds.similarity, len(made.viewing.views))
    except (ConfigurationError, PolicyViolation) as why:
        return replace(made, no_prediction=why.detail)
    return replace(made, predicted=found)


def _tell(viewing: Viewing, rules: Rules, terms: Terms) -> None:
    """What is on the list that was built, and what is still to be done with it."""
    console, entries = Console(), [view.entry for view in viewing.views]
    for table in summary.of_list(viewing, rules):
        console.print(table)
    console.print(f"[green]Enrolled[/] {len(entries)} entries")
    for name in sorted({entry.second_approver for entry in entries if entry.second_approver}):
        console.print(f"{name} has to agree to entries: 'custodian sign-watchlist --approve-sensitive'")
    _note_threshold(console, terms)


def _note_threshold(console: Console, terms: Terms) -> None:
    if isinstance(terms.key, RankKey):
        return
    preset = terms.key.preset
    console.print(f"A match has a similarity of {terms.thresholds.similarity:.3f} or more")
    if terms.thresholds.gate == preset.lowest_threshold:
        least = preset.lowest_threshold / preset.squared_norm
        console.print(f"[yellow]Note:[/] below a similarity of about {least:.3f} the preset finds nobody.")
