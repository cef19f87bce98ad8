"""Pages out of templates: everything that is put into one is escaped, and a page runs only what is named here.

The policy in a page allows one style sheet and one script, by their digests, and images that are in the page itself.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from blindwatch.pages.wording import capital, clock, count, iso, span

HERE: Final = Path(__file__).parent
STYLE: Final = (HERE / "style.css").read_text(encoding="utf-8")
COUNTDOWN: Final = (HERE / "countdown.js").read_text(encoding="utf-8")
"""Counts down to the times of a page; without it they are there as times."""


def environment(folder: Path) -> Environment:
    """Renders the templates of a folder, which extend `page.html.j2`."""
    made = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"capital": capital, "clock": clock, "count": count, "iso": iso, "span": span}
    made.globals |= {
        "style": Markup(STYLE),  # noqa: S704 - our own file
        "style_source": source(STYLE),
        "countdown": Markup(COUNTDOWN),  # noqa: S704 - our own file
        "countdown_source": source(COUNTDOWN),
    }
    return made


def source(text: str) -> Markup:
    """What a Content-Security-Policy calls a style or a script that is written in the page, and no other."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(f"'sha256-{digest}'")  # noqa: S704 - base64
