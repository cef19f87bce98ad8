"""`blindwatch ROLE ...`: finds the role's commands by entry point and reports errors as one sentence.

A role's modules are imported only when that role is chosen, so the camera never loads what decrypts
and `--help` needs none of the extras.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from blindwatch.errors import BlindwatchError, ConfigurationError

GROUP = "blindwatch.commands"
INTERRUPTED = 130


@dataclass(frozen=True)
class Role:
    """One sub-command as `--help` shows it, without importing it."""

    name: str
    summary: str
    extra: str


ROLES = (
    Role("demo", "Run the main job end to end on photographs and write a report.", "all"),
    Role("custodian", "Make the keys, enrol a watchlist and upload it encrypted.", "custodian"),
    Role("deployment", "Draw up, approve, show, change and close deployments.", "custodian"),
    Role("policy", "Show the policy profiles that deployments follow.", "all"),
    Role("server", "Match encrypted probes against encrypted watchlists.", "server"),
    Role("camera", "Find faces, encrypt their templates and send them.", "camera"),
    Role("operator", "Fetch results and read the matches among them.", "operator"),
    Role("oversight", "Witness the log, draw probes for replay, search for plaintext, verify.", "oversight"),
    Role("bench", "Measure the engine in time and bytes, every answer checked.", "bench"),
    Role(
        "evaluate",
        "Measure how often recognition errs, and choose a threshold that can be defended.",
        "evaluate",
    ),
    Role("verify", "Compare one photograph with a few others, under one of two schemes.", "verify"),
    Role("models", "List, fetch, import and verify face models.", "vision"),
)


def main() -> None:
    """Run the command that the process was given, and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    try:
        _root(chosen)(list(arguments), prog_name="blindwatch")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BlindwatchError as error:
        _report(error)
        return 1
    except ModuleNotFoundError as missing:
        role = next((role for role in ROLES if role.name == chosen), None)
        if role is None or (missing.name or "").startswith("blindwatch"):
            raise
        _report(_uninstalled(role))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _root(chosen: str | None) -> typer.Typer:
    """The root command with the chosen role's real commands, and every other role by name only."""
    root = typer.Typer(
        help="Face matching on encrypted templates: only a match can be read, and only by the operator.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # its tracebacks print local variables
        rich_markup_mode="rich",
    )
    root.callback()(_options)
    found = {point.name: point for point in metadata.entry_points(group=GROUP)}
    for role in ROLES:
        if role.name != chosen:
            root.command(role.name, help=role.summary)(_unchosen)
        elif role.name in found:
            root.add_typer(_load(found[role.name], role), name=role.name, help=role.summary)
    return root


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"blindwatch {metadata.version('blindwatch')}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """What every command line may begin with."""


def _unchosen() -> None:
    """Stands for a role in the list of commands; the chosen role is always the real one."""


def _load(point: metadata.EntryPoint, role: Role) -> typer.Typer:
    app = point.load()
    if not isinstance(app, typer.Typer):
        raise ConfigurationError(f"The entry point of the role '{role.name}' is not a command.")
    return app


def _uninstalled(role: Role) -> ConfigurationError:
    return ConfigurationError(
        f"The packages of the role '{role.name}' are not installed.",
        hint=f'Install them with: pip install "blindwatch[{role.extra}]"',
    )


def _report(error: BlindwatchError) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[bold red]Error:[/] {escape(error.detail)}")
    if error.hint:
        console.print(f"[dim]Hint:[/] {escape(error.hint)}")


if __name__ == "__main__":
    main()
