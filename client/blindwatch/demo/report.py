"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from blindwatch.demo import wording
from blindwatch.demo.outcome import Noise, Outcome, Sighting
from blindwatch.demo.photographs import Relation
from blindwatch.demo.pictures import as_photograph, as_pixels, noise
from blindwatch.demo.plot import scatter

TEMPLATE: Final = "report.html.j2"
SHOWN: Final = 6
"""How many passers-by are shown beside what was decrypted for them."""


def render(outcome: Outcome) -> str:
    """The report as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "photograph": as_photograph,
        "duration": wording.duration,
        "size": wording.size,
    }
    found = Noise.of(outcome)
    return environment.get_template(TEMPLATE).render(
        outcome=outcome,
        noise=found,
        visibility=wording.VISIBILITY,
        nothing=wording.NOTHING,
        headline=wording.headline(outcome),
        summary=wording.summary(outcome),
        seen_by=wording.seen_by,
        closed=_closed(outcome),
        plots=_plots(found, outcome.threshold),
        made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _closed(outcome: Outcome) -> list[tuple[Sighting, str]]:
    """Passers-by of whom nothing was revealed, with what was decrypted for them as a picture."""
    peeks = {peek.probe_id: peek for peek in outcome.peeks}
    shown = [each for each in outcome.closed if each.probe_id in peeks]
    shown.sort(key=lambda each: each.relation is Relation.BESIDE)  # which may be no faces at all
    return [(each, as_pixels(noise(peeks[each.probe_id].slots))) for each in shown[:SHOWN]]


def _plots(found: Noise, threshold: int) -> dict[str, Markup]:
    """The plots, which are markup of our own making."""
    bare = scatter("bare", found.true, found.true, threshold, "score in the result")
    masked = scatter("masked", found.true, found.decrypted, threshold, "number decrypted")
    return {"bare": Markup(bare), "masked": Markup(masked)}  # noqa: S704 - made by matplotlib from numbers
