"""`blindwatch custodian ceremony` and `release`: what custodians do with keys and shares, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel

from blindwatch.cli import files
from blindwatch.custodian import ceremony as ceremonies
from blindwatch.custodian.handing import WARNING, AtScreen, ToFiles
from blindwatch.custodian.sheets import Sheet
from blindwatch.errors import ConfigurationError
from blindwatch.he.presets import preset as find_preset
from blindwatch.he.ranked.presets import RANK_PRESETS
from blindwatch.policy.profile import profile as find_profile
from blindwatch.secret import releasing
from blindwatch.secret.shares import Group, Scheme
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import KeyRequest
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity


def ceremony(
    profile: Annotated[str, typer.Option(help="Policy profile: how many shares there must be at least.")],
    out: Annotated[Path | None, typer.Option(help="New folder for the keys.")] = None,
    preset: Annotated[str, typer.Option(help="Parameter preset.")] = "reveal-128",
    shares: Annotated[
        list[str] | None,
        typer.Option(help="Shares as 2of3, once for each group; the least of the profile by default."),
    ] = None,
    groups: Annotated[int, typer.Option(help="How many of the groups are needed to open.", min=1)] = 1,
    sheets: Annotated[
        Path | None, typer.Option(help="New folder for sheets to print beforehand, without any words.")
    ] = None,
    share_files: Annotated[
        Path | None,
        typer.Option(help="New folder for the shares as files, for tests only: who has it has all of them."),
    ] = None,
    rehearsal: Annotated[
        bool, typer.Option("--rehearsal", help="Do all of it with keys that are thrown away at the end.")
    ] = False,
) -> None:
    """Make the keys of a deployment, and shares for the custodians who open the secret one together."""
    rules, console = find_profile(profile), Console()
    chosen = RANK_PRESETS.get(preset) or find_preset(preset)
    written = shares or [f"{rules.share_threshold}of{rules.share_count}"]
    scheme = Scheme(tuple(map(Group.parse, written)), groups)
    scheme.check_at_least(rules.share_threshold, rules.share_count)
    if share_files is None:
        console.print(Panel(WARNING, title="Key ceremony" + (" - REHEARSAL" if rehearsal else "")))
        typer.confirm("Is all of this so?", abort=True)
        hand_out: ceremonies.HandOut = AtScreen(console, scheme.count)
    else:
        console.print("[yellow]Warning:[/] all shares are written to one place, which is for tests only.")
        hand_out = ToFiles(share_files)

    def with_sheets(key_id: str, made: list[list[str]]) -> None:
        if sheets is not None:
            _print_sheets(sheets, key_id, scheme, rehearsal)
            console.print(f"Print the {scheme.count} pages in the folder of the sheets now.")
        hand_out(key_id, made)

    with _place(out, rehearsal) as folder:
        keys = ceremonies.hold(chosen, scheme, folder, with_sheets)
    if rehearsal:
        console.print("[green]Rehearsed.[/] The keys are gone; shred the sheets.")
    else:
        console.print(f"[green]Made keys[/] {keys.encryption.key_id}")
        console.print(f"{scheme.fewest} of {scheme.count} custodians open the secret key together.")


def release(
    request: Annotated[Path, typer.Option(help="The operator's request.", dir_okay=False)],
    identity: Annotated[Path, typer.Option(help="Your signing keys, a PEM file.", dir_okay=False)],
    register: Annotated[Path, typer.Option(help="Your copy of the register of people.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="New file for your answer, beside the request.")],
    share_file: Annotated[
        Path | None, typer.Option(help="File with your share, for tests only; asked for if not given.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
) -> None:
    """Give an operator your share of the key for a time: nobody but that operator's program can open the answer."""
    people, console = Register.load(register), Console()
    asked = Envelope.from_json(files.read(request, "request"))
    wanted = releasing.check_request(asked, people, datetime.now(UTC))
    console.print(_described(wanted))
    if not yes:
        typer.confirm("Do you release your share for this?", abort=True)
    words = read_share(share_file, "Your share, all words")
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    answer = releasing.answer(asked, wanted, words, people.holder(signer.public).name, signer)
    files.replace_private(out, answer.to_json(), "answer")
    console.print("[green]Released.[/] Put the file where the operator's request came from.")


def read_share(file: Path | None, question: str) -> str:
    """The words of one share, from a file or from whoever holds it."""
    if file is not None:
        return files.read_line(file, "share file")
    words: str = typer.prompt(question, hide_input=True)
    return words


def _described(wanted: KeyRequest) -> Panel:
    return Panel(
        f"Operator:    [bold]{wanted.operator}[/]\n"
        f"Deployment:  [bold]{wanted.deployment}[/]\n"
        f"From:        {wanted.window.not_before}\n"
        f"Until:       {wanted.window.not_after}\n"
        f"Key:         {wanted.key_id}",
        title="Somebody asks for the key",
    )


def _print_sheets(folder: Path, key_id: str, scheme: Scheme, rehearsal: bool) -> None:
    needed = " and ".join(f"{group.threshold} of {group.count} sheets" for group in scheme.groups)
    if len(scheme.groups) > 1:
        needed = f"{scheme.group_threshold} of the groups: {needed}"
    with files.new_folder(folder, "sheets") as part:
        for number in range(1, scheme.count + 1):
            sheet = Sheet(number, scheme.count, needed, key_id, datetime.now(UTC).date(), rehearsal)
            files.write_private(part / f"share-{number}.html", sheet.html().encode(), "sheet")


@contextmanager
def _place(out: Path | None, rehearsal: bool) -> Iterator[Path]:
    if rehearsal == (out is not None):
        raise ConfigurationError(
            "A ceremony has a folder for its keys, and a rehearsal has none.",
            "Give one of --out and --rehearsal.",
        )
    if out is not None:
        yield out
        return
    with TemporaryDirectory() as place:
        yield Path(place) / "keys"
