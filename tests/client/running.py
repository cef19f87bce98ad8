"""Commands run in this process, and what they say."""

from __future__ import annotations

import re
from pathlib import Path

from blindwatch.cli.main import run
from blindwatch.secret.shares import Group, Scheme, split

MASTER = bytes(range(32))
"""Of keys that are made for one run."""
SIMILARITY = 0.55
NOOP = "insecure-noop-128"
ERROR = re.compile(r"^Error: [A-Z][^\n]*\.\n(?:Hint: [^\n]+\n)?$", re.MULTILINE)


def named(**options: object) -> list[str]:
    """Options as a command line has them; None is left out, and a list is one option again and again."""
    return [
        f"--{name.replace('_', '-')}={each}"
        for name, value in options.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]


def command(*words: str, **options: object) -> int:
    """Run one command of `blindwatch` in this process."""
    return run([*words, *named(**options)])


def write_shares(folder: Path, master: bytes = MASTER) -> list[Path]:
    """Files with two shares of three."""
    folder.mkdir()
    (shares,) = split(master, Scheme((Group(2, 3),)))
    for number, words in enumerate(shares, 1):
        (folder / f"share-{number}").write_text(words)
    return enough(folder)


def enough(folder: Path) -> list[Path]:
    """Two of the share files of a ceremony."""
    return sorted(folder.iterdir())[:2]


def only_error(printed: str) -> str:
    """What a command said went wrong: one sentence, and perhaps a hint, and no traceback."""
    assert "Traceback" not in printed
    found = ERROR.findall(printed)
    assert len(found) == 1, printed
    return str(found[0])
