"""`blindwatch custodian ceremony`: what custodians do to make keys and shares, step by step."""

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
from blindwatch.secret.shares import Group, Scheme


def ceremony(
    profile: Annotated[str, typer.Option(help="Policy profile: how many shares there must be at least.")],
    out: Annotated[Path | None, typer.Option(help="New folder for the keys.")] = None,
    preset: Annotated[str, typer.Option(help="Parameter preset.")] = "reveal-128",
    shares: Annotated[
        list[str] | None,
        typer.Option(help="Shares as 2of3, once for each group; the least of the profile by default."),
    ] = None,
    groups: Annotated[int, typer.Option(help="How many of the groups are needed to open.", min=1)] = 1,
    deployment: Annotated[str, typer.Option(help="Name of the deployment, for the sheets.")] = "",
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
    if share_files is None and (not console.is_terminal or console.is_dumb_terminal):
        raise ConfigurationError("Shares are shown at a terminal only, which can be wiped.", "Run it in one.")
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
            _print_sheets(sheets, deployment, key_id, scheme, rehearsal)
            console.print(f"Print the {scheme.count} pages in the folder of the sheets now.")
        hand_out(key_id, made)

    with _place(out, rehearsal) as folder:
        keys = ceremonies.hold(chosen, scheme, folder, with_sheets)
    if rehearsal:
        console.print("[green]Rehearsed.[/] The keys are gone; shred the sheets.")
    else:
        console.print(f"[green]Made keys[/] {keys.encryption.key_id}")
        console.print(f"{scheme.fewest} of {scheme.count} custodians open the secret key together.")


def _print_sheets(folder: Path, deployment: str, key_id: str, scheme: Scheme, rehearsal: bool) -> None:
    needed = " and ".join(f"{group.threshold} of {group.count} sheets" for group in scheme.groups)
    if len(scheme.groups) > 1:
        needed = f"{scheme.group_threshold} of the groups: {needed}"
    with files.new_folder(folder, "sheets") as part:
        for number in range(1, scheme.count + 1):
            sheet = Sheet(
                number, scheme.count, needed, deployment, key_id, datetime.now(UTC).date(), rehearsal
            )
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
