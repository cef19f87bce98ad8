"""`blindwatch oversight monitor`: follow a server's log, and stop where it contradicts itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from blindwatch.cli.progress import progress
from blindwatch.cli.tls import Ca
from blindwatch.errors import ConfigurationError, CosignatureMissing, ServerUnavailable
from blindwatch.oversight import evidence
from blindwatch.oversight.evidence import LogPolicy
from blindwatch.oversight.log_source import LogSource
from blindwatch.oversight.monitor.following import Bounds, Monitor, Sight
from blindwatch.oversight.monitor.state import MonitorFolder
from blindwatch.tlog.cosignatures import check_cosignature
from blindwatch.tlog.policy import Policy
from blindwatch.wire.tls import client_context

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--state", help="Folder of the monitor.", file_okay=False)]
_SHOWN: Final = 20


@app.command()
def init(state: Folder) -> None:
    """Make the folder of a monitor, which keeps how far it has read."""
    MonitorFolder.create(state)
    Console().print("[green]Made.[/] The first run reads the log from its beginning.")


@app.command()
def run(
    state: Folder,
    log_policy: LogPolicy,
    log: Annotated[
        str | None,
        typer.Option(help="Address of the log: that of the server, and /log. By default the policy's."),
    ] = None,
    ca: Ca = None,
    every: Annotated[float, typer.Option(help="Seconds from one look to the next.", min=0.1)] = 10.0,
    once: Annotated[
        bool, typer.Option("--once", help="Look once; exit code 1 if something is wrong.")
    ] = False,
    tolerance_minutes: Annotated[
        float, typer.Option(help="How far times of records may be off.", min=0)
    ] = 2.0,
    patience_minutes: Annotated[
        float, typer.Option(help="How long cosignatures that the policy asks for may be missing.", min=0)
    ] = 15.0,
) -> None:
    """Follow a log: that it only grows, that witnesses have seen it, and that its records are in order."""
    policy = Policy.load(log_policy)
    bounds = Bounds(timedelta(minutes=tolerance_minutes), timedelta(minutes=patience_minutes))
    with LogSource(log or _address(policy), client_context(ca, None, None)) as source:
        monitor = Monitor(MonitorFolder(state), policy, source, bounds)
        if once:
            _look(monitor, policy)
        else:
            _follow(monitor, policy, every)


def _look(monitor: Monitor, policy: Policy) -> None:
    with progress() as display:
        task = display.add_task("Reading the log", total=None)
        sight = monitor.look(
            datetime.now(UTC), lambda done, size: display.update(task, completed=done, total=size)
        )
    Console().print(_shown(sight, policy))
    if sight.state.tally.found:
        raise typer.Exit(1)


def _follow(monitor: Monitor, policy: Policy, every: float) -> None:
    """Look again and again; only an error or a signal ends it."""
    with Live(console=Console(), auto_refresh=False) as live:
        while True:
            try:
                live.update(_shown(monitor.look(datetime.now(UTC)), policy), refresh=True)
            except ServerUnavailable as error:
                live.console.print(f"[yellow]{escape(error.detail)}[/]")
            time.sleep(every)


def _address(policy: Policy) -> str:
    for party in policy.logs.values():
        if party.url is not None:
            return party.url
    raise ConfigurationError("The policy does not say where the log is.", "Give its address with --log.")


def _shown(sight: Sight, policy: Policy) -> Group:
    tally, checkpoint = sight.state.tally, sight.signed.checkpoint
    counts = Table("Records", "Count")
    counts.columns[1].justify = "right"
    for kind, count in sorted(tally.counts.items()):
        counts.add_row(kind, f"{count:,}")
    parts: list[RenderableType] = [
        f"[bold]{escape(checkpoint.origin)}[/]: {evidence.tree(checkpoint)}",
        counts,
        _witnessed(sight, policy),
    ]
    if not tally.found:
        return Group(*parts)
    wrong = Table("Entry", "What is wrong", title=f"{tally.found:,} entries are not as they should be")
    for finding in tally.findings[-_SHOWN:]:
        wrong.add_row(f"{finding.index:,}", finding.said)
    return Group(*parts, wrong)


def _witnessed(sight: Sight, policy: Policy) -> str:
    if sight.missing:
        return f"[yellow]Not cosigned by {escape(', '.join(sight.missing))} since {sight.state.uncosigned_since}[/]"
    seen = []
    for name, witness in policy.witnesses.items():
        try:
            seen.append(f"{name} at {evidence.at(check_cosignature(sight.signed, witness.key))}")
        except CosignatureMissing:
            continue
    return escape(f"Cosigned by {', '.join(seen)}" if seen else "No witness has to cosign it")
