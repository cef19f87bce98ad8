"""Handing out shares: to people one after the other at a screen, or to files where a machine plays the people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from blindwatch.cli import files

ASKED: Final = 3
"""Words that a holder types again, at places of the program's choice."""
_COLUMNS: Final = 3
_RANDOM: Final = SystemRandom()

WARNING: Final = """\
This makes the keys of one deployment. Before you go on:

- This machine has no network, and nobody but the custodians can see its screen.
- No cameras and no telephones are in the room, and nobody photographs a share.
- Sheets are printed empty and written on by hand: printers remember what they print.
- Every custodian has a sheet and a pen. Nobody holds two shares.
- Whoever runs this machine could see every share. It is trusted for the length of the ceremony, and erased after it.
"""


def numbered(shares: list[list[str]]) -> Iterator[tuple[int, str]]:
    """All shares of all groups with their numbers, from 1."""
    yield from enumerate((words for group in shares for words in group), 1)


@dataclass(frozen=True)
class AtScreen:
    """Shows every share to its holder and has some of its words typed again."""

    console: Console
    count: int

    def __call__(self, key_id: str, shares: list[list[str]]) -> None:
        """Hand out all shares."""
        for number, words in numbered(shares):
            self.console.print(steps(self.count, number))
            self.console.print(f"[bold]Share {number} of {self.count}[/], of the key {key_id[:16]}")
            typer.prompt(
                f"Only the holder of share {number} looks at the screen now. Press Enter",
                default="",
                show_default=False,
            )
            self._hand_out(number, words.split())
        self.console.print(steps(self.count, self.count + 1))

    def _hand_out(self, number: int, words: list[str]) -> None:
        while True:
            # On a screen of its own, which nobody can scroll back to.
            with self.console.screen(hide_cursor=False):
                self.console.print(Panel(_grid(words), title=f"Share {number} of {self.count}"))
                typer.prompt("Write all words down, then press Enter", default="", show_default=False)
            if self._knows(words):
                self.console.print("[green]Right.[/] Keep the sheet under lock.")
                return
            self.console.print(
                "[bold red]That is not the word.[/] Look at the share again, and correct your sheet."
            )

    def _knows(self, words: list[str]) -> bool:
        places = sorted(_RANDOM.sample(range(len(words)), ASKED))
        return all(
            typer.prompt(f"Word {place + 1}", hide_input=True).strip().lower() == words[place]
            for place in places
        )


@dataclass(frozen=True)
class ToFiles:
    """Writes every share to a file of its own, which is for rehearsals and tests only."""

    folder: Path

    def __call__(self, key_id: str, shares: list[list[str]]) -> None:  # noqa: ARG002 - as for people
        """Hand out all shares."""
        files.make_folder(self.folder, "shares")
        for number, words in numbered(shares):
            files.write_private(self.folder / f"share-{number}", f"{words}\n".encode(), "share")


def steps(count: int, now: int) -> Table:
    """How far the ceremony is: the share that is handed out now, or what comes after the last of `count`."""
    every = ["Keys made", *(f"Share {number} of {count}" for number in range(1, count + 1))]
    table = Table.grid(padding=(0, 1))
    for number, step in enumerate([*every, "Shares tried together, keys written"]):
        sign, style = ("✓", "green") if number < now else ("▸", "bold") if number == now else ("○", "dim")
        table.add_row(sign, step, style=style)
    return table


def _grid(words: list[str]) -> Table:
    table = Table.grid(padding=(0, 4))
    rows = -(-len(words) // _COLUMNS)
    for row in range(rows):
        places = range(row, len(words), rows)
        table.add_row(*(f"{place + 1:2}. [bold]{words[place]}[/]" for place in places))
    return table
