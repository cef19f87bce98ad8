"""The one style sheet of all pages that are files: the colours of the console, enough contrast, no other source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blindwatch.pages.rendering import COUNTDOWN, STYLE, environment, source
from blindwatch.pages.wording import capital, percent

CONSOLE = Path(__file__).parents[2] / "client" / "blindwatch" / "console" / "static" / "console.css"
PAIRS = [
    ("ink", "ground"),
    ("ink", "panel"),
    ("ink", "bad-ground"),
    ("soft", "ground"),
    ("soft", "panel"),
    ("link", "ground"),
    ("link", "panel"),
    ("link", "bad-ground"),
    ("good", "ground"),
    ("good", "good-ground"),
    ("bad", "ground"),
    ("bad", "panel"),
    ("bad", "bad-ground"),
    ("note-ink", "note-ground"),
]


def colours(text: str) -> list[dict[str, str]]:
    """The colours of both themes, by their names."""
    themes = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", theme)) for theme in themes]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), PAIRS)
def test_colours_have_the_contrast_of_wcag_aa(theme: int, front: str, back: str) -> None:
    shades = colours(STYLE)[theme]
    low, high = sorted(luminance(shades[name]) for name in (front, back))
    assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_pages_have_the_colours_of_the_console(theme: int) -> None:
    ours, consoles = colours(STYLE)[theme], colours(CONSOLE.read_text())[theme]
    assert len(ours.keys() & consoles.keys()) > 12
    assert {name: ours[name] for name in ours.keys() & consoles.keys()} == {
        name: consoles[name] for name in ours.keys() & consoles.keys()
    }


def test_every_colour_that_is_used_is_there() -> None:
    used = set(re.findall(r"var\(--([a-z-]+)\)", STYLE))
    assert all(used <= theme.keys() for theme in colours(STYLE))


def test_a_page_names_its_style_by_digest_and_escapes_what_is_put_in(tmp_path: Path) -> None:
    (tmp_path / "x.j2").write_text('{% extends "page.html.j2" %}{% block main %}{{ said }}{% endblock %}')
    text = environment(tmp_path).get_template("x.j2").render(said="<script>alert(1)</script>")
    assert "<script" not in text
    assert f"<style>{STYLE}</style>" in text
    assert f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {source(STYLE)}\"" in text
    assert "unsafe" not in text
    assert "</" not in STYLE + COUNTDOWN


def test_wording() -> None:
    assert (capital("the list"), capital("")) == ("The list", "")
    assert (percent(0.0282), percent(1e-7), percent(0), percent(1)) == ("2.8 %", "0.000010 %", "0 %", "100 %")
