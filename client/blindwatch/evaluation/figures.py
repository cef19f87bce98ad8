"""Plots: as files on white, and inside a page in the page's colours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

INK: Final = "#3b4654"
RULE: Final = "#d4d0c7"
SERIES: Final = ("#0b5394", "#a83200", "#2f7d33", "#6a3d9b")
"""Blue, rust, green, purple: told apart by lightness too, and by dashes and markers in every plot."""
_VARIABLES: Final = {
    INK: "var(--muted)",
    RULE: "var(--rule)",
    **{colour: f"var(--series-{at})" for at, colour in enumerate(SERIES)},
}
_SIZE: Final = (6.2, 4.2)
_DOTS: Final = 130


@dataclass(frozen=True)
class Figure:
    """A plot, the name of its files, and what it shows, for those who cannot see it too."""

    name: str
    caption: str
    draw: Callable[[Any], None]
    """Onto axes of matplotlib."""

    def to_svg(self) -> str:
        """A document of its own; equal data give equal text."""
        text = StringIO()
        self._save(text, "svg", facecolor="white", metadata={"Date": None})
        return re.sub(r"[ \t]+$", "", text.getvalue(), flags=re.MULTILINE)

    def to_png(self) -> bytes:
        """Pixels."""
        data = BytesIO()
        self._save(data, "png", facecolor="white", dpi=_DOTS)
        return data.getvalue()

    def to_inline(self) -> str:
        """An element of a page, with colours of its style sheet and names that are unique in it."""
        text = StringIO()
        self._save(text, "svg", transparent=True, metadata={"Date": None})
        element = text.getvalue()
        element = element[element.index("<svg") :]
        element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
        element = re.sub(r'\bid="', f'id="{self.name}-', element)
        element = re.sub(r'(href="#|url\(#)', rf"\g<1>{self.name}-", element)
        for colour, variable in _VARIABLES.items():
            element = element.replace(colour, variable)
        return re.sub(
            r'(<svg[^>]*?) (?:width|height)="[^"]*"([^>]*?) (?:width|height)="[^"]*"',
            r"\1\2",
            element,
            count=1,
        )

    def _save(self, target: Any, form: str, **options: Any) -> None:
        settings: Any = {
            "svg.fonttype": "none",
            "svg.hashsalt": self.name,
            "font.size": 10.5,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": RULE,
            "xtick.color": INK,
            "ytick.color": INK,
            "grid.color": RULE,
            "grid.linewidth": 0.6,
            "legend.frameon": False,
        }
        with mpl.rc_context(settings):
            canvas = Canvas(figsize=_SIZE, layout="constrained")
            axes = canvas.subplots()
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(visible=True)
            self.draw(axes)
            canvas.savefig(target, format=form, **options)
