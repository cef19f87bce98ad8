"""Commands run in this process, and what they say."""

from __future__ import annotations

import re

from blindwatch.cli.main import run

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of keys that are made for one run
SIMILARITY = 0.55
NOOP = "insecure-noop-128"
ERROR = re.compile(r"^Error: [A-Z][^\n]*\.\n(?:Hint: [^\n]+\n)?$", re.MULTILINE)


def command(*words: str, **options: object) -> int:
    """Run one command of `blindwatch` in this process."""
    named = [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
    return run([*words, *named])


def only_error(printed: str) -> str:
    """What a command said went wrong: one sentence, and perhaps a hint, and no traceback."""
    assert "Traceback" not in printed
    found = ERROR.findall(printed)
    assert len(found) == 1, printed
    return str(found[0])
