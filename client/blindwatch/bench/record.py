"""A recorded run: the file with its rows, and the generated parts of the page about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from blindwatch.bench import wording
from blindwatch.bench.bars import BARS
from blindwatch.bench.plots import PLOTS
from blindwatch.bench.rows import Row
from blindwatch.bench.suite import BENCHMARKS
from blindwatch.cli import files
from blindwatch.errors import ConfigurationError

RESULTS: Final = "results.json"
PAGE: Final = "README.md"
_BAR_COLUMNS: Final = ("What", "Bar", "Beyond", "Measured", "")


@dataclass(frozen=True)
class Record:
    """One run and the machine it ran on."""

    machine: dict[str, str]
    rows: Sequence[Row]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The run that was recorded last."""
        content = files.read_json(folder / RESULTS, "record of the benchmarks")
        return cls(content["machine"], [Row.from_json(row) for row in content["rows"]])

    def write(self, folder: Path) -> None:
        """Replace the record, the plots and the generated parts of the page."""
        page = folder / PAGE
        text = self.fill(files.read(page, "page about the benchmarks").decode())
        content = {"machine": self.machine, "rows": [row.to_json() for row in self.rows]}
        (folder / RESULTS).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        for plot in PLOTS:
            (folder / plot.file).write_text(plot.draw(self.rows), encoding="utf-8")
        page.write_text(text, encoding="utf-8")

    def fill(self, text: str) -> str:
        """The page with its generated parts, each between two comments, made from this record."""
        for name, content in self.parts().items():
            pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
            if not pattern.search(text):
                raise ConfigurationError(f"The page about the benchmarks has no place for '{name}'.")
            text = pattern.sub(lambda found, part=content: f"{found[1]}{part}\n{found[2]}", text)  # type: ignore[misc]
        return text

    def parts(self) -> dict[str, str]:
        """The generated parts of the page by name."""
        parts = {
            "machine": _table(("", ""), self.machine.items()),
            "bars": _table(_BAR_COLUMNS, (bar.cells(self.rows) for bar in BARS)),
        }
        for name in BENCHMARKS:
            rows = [wording.cells(row) for row in self.rows if row.name == name]
            images = [f"\n![{plot.shows}]({plot.file})" for plot in PLOTS if plot.benchmark == name]
            parts[name] = "\n".join([_table(wording.COLUMNS, rows), *images]) if rows else "Not measured yet."
        return parts


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---:" if column in wording.RIGHT else "---" for column in columns]
    return "\n".join(f"| {' | '.join(_escaped(cells))} |" for cells in (columns, rule, *rows))


def _escaped(cells: Sequence[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in cells]
