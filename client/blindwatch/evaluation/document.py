"""A report as one structure, from which the terminal, the web page and the Markdown tables are made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.evaluation.figures import Figure

SCHEMA_VERSION: Final = 1
"""Of the JSON file; it grows when a field changes its meaning or goes away."""
PAGE: Final = "report.html"
RESULTS: Final = "results.json"
TABLES: Final = "tables.md"
WIDTH: Final = 150
"""Where the output is kept, tables have this width at least."""
_TEMPLATE: Final = "report.html.j2"


def _unbroken(value: Any) -> Any:
    """Text whose per cent signs stay on the line of their numbers."""
    return value.replace(" %", "\N{NO-BREAK SPACE}%") if isinstance(value, str) else value


@dataclass(frozen=True)
class Table:
    """Rows of text; all columns but the first `words` hold numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    words: int = 1

    def to_rich(self) -> RichTable:
        """For the terminal."""
        made = RichTable(
            title=escape(self.title),
            caption=escape(self.note) or None,
            box=box.SIMPLE_HEAD,
            title_justify="left",
            caption_justify="left",
            title_style="bold",
            pad_edge=False,
        )
        for at, column in enumerate(self.columns):
            made.add_column(escape(column), justify="left" if at < self.words else "right")
        for row in self.rows:
            made.add_row(*map(escape, row))
        return made

    def to_markdown(self) -> str:
        """For a page of the documentation."""
        rule = ["---" if at < self.words else "---:" for at in range(len(self.columns))]
        lines = (f"| {' | '.join(cells)} |" for cells in (self.columns, rule, *self.rows))
        return "\n".join([f"**{self.title}**", "", *lines, *(["", self.note] if self.note else [])])


@dataclass(frozen=True)
class Section:
    """A part of a report."""

    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()


@dataclass(frozen=True)
class Report:
    """All that a command found out."""

    kind: str
    title: str
    summary: Sequence[str]
    sections: Sequence[Section]
    results: dict[str, Any]
    warnings: Sequence[str] = ()
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def show(self, console: Console) -> None:
        """Print the tables."""
        if not console.is_terminal:
            console.width = max(console.width, WIDTH)
        for section in self.sections:
            for table in section.tables:
                console.print(table.to_rich())
        for sentence in self.summary:
            console.print(escape(sentence), soft_wrap=True)
        for sentence in self.warnings:
            console.print(f"[bold yellow]Warning:[/] {escape(sentence)}", soft_wrap=True)

    def write(self, folder: Path) -> Path:
        """Write page, plots, tables and JSON into a folder, over older ones; returns the page's path."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for figure in (each for section in self.sections for each in section.figures):
                (folder / f"{figure.name}.svg").write_text(figure.to_svg(), encoding="utf-8")
                (folder / f"{figure.name}.png").write_bytes(figure.to_png())
            (folder / RESULTS).write_text(json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")
            (folder / TABLES).write_text(self.to_markdown(), encoding="utf-8")
            (folder / PAGE).write_text(self.to_html(), encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"The report cannot be written ({error.strerror}).") from None
        files.settle(folder)
        return folder / PAGE

    def to_json(self) -> dict[str, Any]:
        """What other programs read."""
        return {
            "schema": f"blindwatch-evaluation-{self.kind}",
            "schema_version": SCHEMA_VERSION,
            "software": f"blindwatch {metadata.version('blindwatch')}",
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "warnings": list(self.warnings),
            **self.results,
        }

    def to_markdown(self) -> str:
        """All tables."""
        tables = (table for section in self.sections for table in section.tables)
        return "\n\n".join(table.to_markdown() for table in tables) + "\n"

    def to_html(self) -> str:
        """One page that needs nothing else."""
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.finalize = _unbroken
        environment.filters["inline"] = lambda figure: Markup(figure.to_inline())  # noqa: S704 - made by matplotlib
        return environment.get_template(_TEMPLATE).render(
            report=self,
            made_at=self.made_at.strftime("%Y-%m-%d %H:%M UTC"),
            software=metadata.version("blindwatch"),
        )
