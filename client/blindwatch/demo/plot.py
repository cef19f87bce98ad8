"""Plots as inline SVG whose colours follow the page."""

from __future__ import annotations

import re
from io import StringIO
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from blindwatch.demo.outcome import Integers
from blindwatch.he.presets import PLAIN_MODULUS

# Stand for colours of the style sheet, and are exchanged for them in the finished SVG.
_INK: Final = "#010203"
_DOT: Final = "#040506"
_LINE: Final = "#070809"
_COLOURS: Final = {_INK: "var(--muted)", _DOT: "var(--accent)", _LINE: "var(--rule)"}
_MOST_DOTS: Final = 1500


def scatter(name: str, true: Integers, shown: Integers, threshold: int, label: str) -> str:
    """True scores against what somebody sees of them, as an SVG element with a name for its parts."""
    kept = np.random.default_rng(0).permutation(len(true))[:_MOST_DOTS]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 11}):
        figure = Figure(figsize=(4.6, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.scatter(true[kept], shown[kept], s=5, color=_DOT, linewidths=0, alpha=0.75)
        axes.axvline(threshold, color=_INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_xlabel("true score (dashed line: threshold)", color=_INK)
        axes.set_ylabel(label, color=_INK)
        axes.tick_params(colors=_INK, length=3)
        for side, spine in axes.spines.items():
            spine.set_visible(side in {"left", "bottom"})
            spine.set_color(_LINE)
        if shown.size and shown.max() > PLAIN_MODULUS // 2:
            axes.set_yticks([0, PLAIN_MODULUS // 2, PLAIN_MODULUS - 1])
        text = StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _embedded(name, text.getvalue())


def _embedded(name: str, document: str) -> str:
    """The SVG element alone, with names that are unique in the page and with the page's colours."""
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", element)
    for stand_in, colour in _COLOURS.items():
        element = element.replace(stand_in, colour)
    # The size comes from the page; a name for those who cannot see it comes from the figure around it.
    return re.sub(
        r'<svg width="[^"]*" height="[^"]*"|<svg height="[^"]*" width="[^"]*"', "<svg", element, count=1
    )
