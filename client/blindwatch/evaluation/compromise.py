"""What each part gives to an attacker who has it, as the threat model says; a test holds the two together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Compromise:
    """One part in the hands of an attacker."""

    part: str
    faces: str
    """Of people who are not on the list."""
    entries: str
    """Of people on it."""
    evidence: str
    """What shows it here or elsewhere in the project."""


COMPROMISES: Final = (
    Compromise(
        "match server, all of it",
        "nothing",
        "nothing but how many there are",
        "unlinkability; searches of memory, store and traffic in tests/proof",
    ),
    Compromise(
        "operator: secret key and results",
        "nothing: what decrypts of non-matches is noise",
        "matches so far and from now on, with their fine scores",
        "template recovery",
    ),
    Compromise(
        "operator of a ranked deployment",
        "whoever was searched for, from the scores",
        "everybody, from the scores of enough searches",
        "template recovery",
    ),
    Compromise(
        "camera: its key and what it sees",
        "whoever passes from now on",
        "nothing by itself",
        "it keeps nothing on disk: tests/proof",
    ),
    Compromise(
        "camera, and sight of the alerts",
        "whoever passes from now on",
        "no template where alerts about one entry are limited; elsewhere one by boundary search, unless the query "
        "budget is smaller than what it takes",
        "boundary search",
    ),
    Compromise(
        "camera and operator together",
        "whoever passes from now on",
        "a template from the scores of alerts, with fewer queries still",
        "boundary search",
    ),
    Compromise(
        "server and operator together",
        "everybody whose probes were kept, and every score",
        "everybody",
        "excluded by assumption: the key opens what the server holds",
    ),
    Compromise("one share of the secret key", "nothing", "nothing", "tests/client/test_shares.py"),
    Compromise("custodian: list and one share", "nothing", "everybody", "it holds the list in clear"),
    Compromise("backups of the server", "nothing", "nothing without the key", "as the match server"),
)
