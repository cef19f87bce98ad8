"""The plots of an evaluation: lines for floats and integers in clear, rings for what was found under encryption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.ticker import FuncFormatter

from blindwatch.evaluation.figures import INK, SERIES, Figure
from blindwatch.evaluation.identification import Expected, lengths
from blindwatch.evaluation.measuring import Evaluation, Measured, Method, Operating
from blindwatch.evaluation.rates import ENOUGH, Rate
from blindwatch.evaluation.samples import Floats
from blindwatch.evaluation.scoring import NEVER

_LINES: Final = {Method.FLOAT: (SERIES[0], "-"), Method.CLEAR: (SERIES[1], (0, (6, 2)))}
_RING: Final = {
    "marker": "o", "markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.6, "linestyle": "none",
    "color": SERIES[2], "label": Method.ENCRYPTED.value,
}  # fmt: skip
_POINTS: Final = 120
_RANKS: Final = 100
_BOTTOM: Final = 1e-9


def figures(found: Evaluation) -> Iterator[tuple[str, Figure]]:
    """Every plot with the part of the report that it belongs to."""
    yield "verification", Figure("det", _DET, lambda axes: _det(axes, found))
    yield "verification", Figure("roc", _ROC, lambda axes: _roc(axes, found))
    yield "identification", Figure("thresholds", _THRESHOLDS, lambda axes: _thresholds(axes, found))
    yield "identification", Figure("lists", _LISTS, lambda axes: _lists(axes, found))
    yield "identification", Figure("open-set", _OPEN_SET, lambda axes: _open_set(axes, found))
    yield "ranking", Figure("ranks", _RANKED, lambda axes: _ranks(axes, found))


_DET: Final = (
    "Detection error trade-off (DET): share of mated comparisons missed against share of non-mated comparisons "
    f"that match. Left of the dotted line there are fewer than {ENOUGH} false matches, so the line says little."
)
_ROC: Final = (
    "Receiver operating characteristic (ROC): the same as the share of mated comparisons that match."
)
_THRESHOLDS: Final = (
    "FPIR and FNIR of integers against the fine threshold, for lists of several lengths. FNIR does not depend "
    "on the length. Dashed: extrapolated."
)
_LISTS: Final = (
    "FPIR of integers against the length of the list, at two thresholds, with 95 % intervals. Solid: measured. "
    "Dashed: extrapolated, taking comparisons as independent."
)
_OPEN_SET: Final = "FNIR against FPIR on the longest list that was measured."
_RANKED: Final = "Closed-set identification: share of searches whose right entry is among the first k."


def shade(axes: Any, at: Sequence[float], rates: Sequence[Rate | Expected], colour: str) -> None:
    """The intervals of rates as a band; on an axis of logarithms it needs a bottom."""
    low, high = [each.low or _BOTTOM for each in rates], [each.high for each in rates]
    axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)


def as_per_cent(axes: Any, which: str) -> None:
    """Write shares along an axis, "x" or "y", or along both, in per cent."""
    formatter = FuncFormatter(lambda share, _: np.format_float_positional(100 * share, precision=4, trim="-"))
    for each in which:
        getattr(axes, f"{each}axis").set_major_formatter(formatter)
        getattr(axes, f"{each}axis").set_minor_formatter(FuncFormatter(lambda *_: ""))


def _curve(measured: Measured) -> tuple[Floats, Floats, Floats]:
    """Thresholds that some non-mated score reaches, with FMR and FNMR, for FMRs of up to a half."""
    rates = np.geomspace(1 / len(measured.comparisons.non_mated), 0.5, _POINTS)
    thresholds, fmr, fnmr = measured.comparisons.curve(rates.tolist())
    seen = (fmr > 0) & (thresholds > np.finfo(np.float32).min)
    return thresholds[seen], fmr[seen], fnmr[seen]


def _det(axes: Any, found: Evaluation) -> None:
    for method, measured in found.by_method.items():
        _, fmr, fnmr = _curve(measured)
        colour, dashes = _LINES[method]
        axes.plot(fmr, np.where(fnmr > 0, fnmr, np.nan), color=colour, linestyle=dashes, label=method.value)
    _rings(axes, [(each.fmr.value, each.fnmr.value) for each in _encrypted(found) if each.fmr.events])
    axes.axvline(
        ENOUGH / len(found.by_method[Method.FLOAT].comparisons.non_mated),
        color=INK,
        linestyle=":",
        linewidth=1,
    )
    axes.set(xscale="log", yscale="log", xlabel="FMR, %", ylabel="FNMR, %")
    as_per_cent(axes, "xy")
    axes.legend()


def _roc(axes: Any, found: Evaluation) -> None:
    for method, measured in found.by_method.items():
        _, fmr, fnmr = _curve(measured)
        colour, dashes = _LINES[method]
        axes.plot(fmr, 1 - fnmr, color=colour, linestyle=dashes, label=method.value)
    _rings(axes, [(each.fmr.value, 1 - each.fnmr.value) for each in _encrypted(found) if each.fmr.events])
    axes.set(xscale="log", xlabel="FMR, %", ylabel="mated comparisons that match, %")
    as_per_cent(axes, "xy")
    axes.legend(loc="lower right")


def _thresholds(axes: Any, found: Evaluation) -> None:
    searches = found.by_method[Method.CLEAR].searches
    finite = searches.scores[searches.scores > NEVER]
    top = max(
        finite.max(initial=1.0),
        np.quantile(searches.mated[searches.mated > NEVER], 0.5) if len(finite) else 1.0,
    )
    thresholds = np.linspace(0.4 * float(top), float(top), _POINTS)
    shown = _shown(found)
    for colour, entries in zip(SERIES[1:], shown, strict=False):
        rates = searches.curve(thresholds, entries)
        measured = entries <= searches.longest
        axes.plot(
            thresholds[rates > 0], rates[rates > 0], color=colour, linestyle="-" if measured else (0, (5, 2)),
            label=f"FPIR, {entries:,} {'entries' if entries > 1 else 'entry'}",
        )  # fmt: skip
    missed = np.array([(searches.mated < each).mean() for each in thresholds.astype(np.float32)])
    axes.plot(thresholds, missed, color=SERIES[0], linewidth=2, label="FNIR")
    axes.set(yscale="log", xlabel="fine threshold", ylabel="%")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    as_per_cent(axes, "y")
    axes.legend(fontsize="small")


def _shown(found: Evaluation) -> Sequence[int]:
    """One entry, the longest list that is measured, and the longest that is asked for."""
    longest = found.by_method[Method.CLEAR].searches.longest
    return sorted({1, longest, max([longest, *found.plan.entries])})


def _lists(axes: Any, found: Evaluation) -> None:
    points = [each for each in found.operating if each.method is Method.CLEAR and each.why.startswith("FPIR")]
    for colour, marker, point in zip(SERIES, "osD^", points, strict=False):
        searches = found.at(point).searches
        expected = [
            searches.fpir(point.threshold, each) for each in lengths(searches.longest, found.plan.entries)
        ]
        for measured, dashes in ((True, "-"), (False, (0, (5, 2)))):
            part = [
                each for each in expected if each.is_measured is measured or each.entries == searches.longest
            ]
            sizes, values = [each.entries for each in part], [each.value or np.nan for each in part]
            label = _threshold(point) if measured else None
            axes.plot(sizes, values, color=colour, linestyle=dashes, marker=marker, markersize=4, label=label)
            shade(axes, sizes, part, colour)
    axes.set(xscale="log", yscale="log", xlabel="entries on the list", ylabel="FPIR, %")
    axes.set_ylim(bottom=1e-6)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    as_per_cent(axes, "y")
    axes.legend()


def _threshold(point: Operating) -> str:
    return f"gate {point.gate} alone" if point.threshold == 1 else f"threshold {point.threshold:,.0f}"


def _open_set(axes: Any, found: Evaluation) -> None:
    for method, measured in found.by_method.items():
        searches = measured.searches
        thresholds, _, _ = _curve(measured)
        fpir = searches.curve(thresholds, searches.longest)
        fnir = np.array([(searches.mated < each).mean() for each in thresholds.astype(np.float32)])
        seen = (fpir > 0) & (fnir > 0)
        colour, dashes = _LINES[method]
        axes.plot(fpir[seen], fnir[seen], color=colour, linestyle=dashes, label=method.value)
    rings = []
    for point in _encrypted(found):
        searches = found.at(point).searches
        rings.append(
            (searches.fpir(point.threshold, searches.longest).value, searches.fnir(point.threshold).value)
        )
    _rings(axes, [ring for ring in rings if ring[0] > 0])
    axes.set(xscale="log", yscale="log", xlabel="FPIR, %", ylabel="FNIR, %")
    as_per_cent(axes, "xy")
    axes.legend()


def _ranks(axes: Any, found: Evaluation) -> None:
    most = min(_RANKS, found.ranks[Method.FLOAT].entries)
    ranks = np.unique(np.geomspace(1, most, 30).round().astype(int))
    for method, each in found.ranks.items():
        if method is Method.ENCRYPTED:
            axes.plot(ranks[::3], each.curve(ranks[::3].tolist()), **_RING)
            continue
        colour, dashes = _LINES[method]
        axes.plot(ranks, each.curve(ranks.tolist()), color=colour, linestyle=dashes, label=method.value)
    axes.set(xscale="log", xlabel="rank k", ylabel="found among the first k, %")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    as_per_cent(axes, "y")
    axes.legend(loc="lower right")


def _encrypted(found: Evaluation) -> list[Operating]:
    return [point for point in found.operating if point.method is Method.ENCRYPTED]


def _rings(axes: Any, points: Sequence[tuple[float, float]]) -> None:
    if points:
        axes.plot(*zip(*points, strict=True), **_RING)
