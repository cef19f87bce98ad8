"""`blindwatch operator conclude` and `second`: what became of a search, and that two people agree whom it found."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeAlias, get_args

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.console.training import Training
from blindwatch.deployment.papers import People, SigningKeys
from blindwatch.errors import ConfigurationError, NotTrained
from blindwatch.operator import identifying, searches
from blindwatch.operator.identifying import Signatory
from blindwatch.operator.journal import Journal
from blindwatch.operator.options import JournalFolder
from blindwatch.records.operator import SearchOutcome
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity

CONCLUSIONS: Final[tuple[SearchOutcome, ...]] = get_args(SearchOutcome)
Search: TypeAlias = Annotated[str, typer.Option(help="Identifier of the search, or its beginning.")]


def conclude(
    journal: JournalFolder,
    search: Search,
    outcome: Annotated[str, typer.Option(help=f"One of {', '.join(CONCLUSIONS)}.")],
    identity: SigningKeys,
    register: People,
    entry: Annotated[
        str | None, typer.Option(help="Of 'identified': the entry that is the person, by its reference.")
    ] = None,
    evidence: Annotated[
        str | None, typer.Option(help="Of 'identified': the kind of other evidence, a word of the profile.")
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="Of 'identified': the file of trainings.", dir_okay=False)
    ] = None,
) -> None:
    """Write down what became of a search. It stays as it is.

    That somebody was identified is no outcome before another operator agrees, where the profile asks for two.
    """
    chosen = next((each for each in CONCLUSIONS if each == outcome), None)
    if chosen is None:
        raise ConfigurationError(f"An outcome is one of {', '.join(CONCLUSIONS)}.")
    signatory = _signatory(identity, register)
    with Journal(journal) as opened:
        if chosen != "identified":
            written = searches.conclude(opened, search, chosen, signatory.name)
            Console().print(f"[green]Written down:[/] {written.search[:8]} {written.outcome}.")
            return
        if entry is None or evidence is None or training is None:
            raise ConfigurationError(
                "Who says that somebody was identified names the entry and the other evidence.",
                "Give --entry, --evidence and --training.",
            )
        _check_trained(opened, search, training, signatory)
        proposed = identifying.propose(opened, search, entry, evidence, signatory)
        is_over = searches.named(opened, search).concluded is not None
    end = "" if is_over else " It has no outcome before another operator agrees: blindwatch operator second"
    Console().print(
        f"[green]Written down:[/] {proposed.search[:8]} identified by {proposed.operator}.{end}",
        soft_wrap=True,
    )


def second(
    journal: JournalFolder,
    search: Search,
    identity: SigningKeys,
    register: People,
    training: Annotated[Path, typer.Option(help="File of trainings.", dir_okay=False)],
    entry: Annotated[
        str | None, typer.Option(help="To agree: the entry that you find to be the person, by its reference.")
    ] = None,
    disagree: Annotated[bool, typer.Option("--disagree", help="You do not find the same.")] = False,
) -> None:
    """Agree or disagree, as another operator, that a search has identified somebody. With that it has its outcome."""
    if (entry is None) is not disagree:
        raise ConfigurationError("Give --entry to agree, or --disagree.")
    signatory = _signatory(identity, register)
    with Journal(journal) as opened:
        _check_trained(opened, search, training, signatory)
        if entry is None:
            written = identifying.disagree(opened, search, signatory)
        else:
            written = identifying.agree(opened, search, entry, signatory)
    Console().print(
        f"[green]Written down:[/] {written.search[:8]} {written.outcome}, {written.operator} and {written.second}."
    )


def _signatory(identity: Path, register: Path) -> Signatory:
    return Signatory.of(Identity.from_pem(files.read(identity, "signing keys")), Register.load(register))


def _check_trained(journal: Journal, search: str, training: Path, signatory: Signatory) -> None:
    """Refuse an operator who is not trained, by the profile of the search; raises NotTrained."""
    rules = searches.named(journal, search).rules
    trained = Training.load(training, rules.training_days)
    if not trained.is_trained(signatory.name, datetime.now(UTC).date()):
        raise NotTrained("Your training has run out, or nobody has entered it, so you identify nobody.")
