"""Measure again what cards/performance.md says, by the commands on that page, and hold the page to it.

Run from the checkout, with the photographs and the models where the commands of the page look for them:

    python models/training/performance.py                     # says what differs, and fails if anything does
    python models/training/performance.py --write             # writes it instead
    python models/training/performance.py --only retail-0095  # sections whose heading has this word
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory

from blindwatch.cli.main import run
from blindwatch.evaluation.document import RESULTS, TABLES

PAGE = Path(__file__).parents[1] / "cards" / "performance.md"
MEASURED = re.compile(r"(?ms)^(## ([^\n]*)\n\n```sh\nblindwatch (.*?)\n```\n\n).*?(?=^## )")
"""A section with its command, up to the next one: its beginning, its heading, the words of the command."""
ENCRYPTED = "integers under encryption"
LEFT_OUT = "Decisions under encryption"
"""The table of these is one sentence on the page."""


def measured(section: re.Match[str]) -> str:
    """The section as its command measures it now."""
    head, _, command = section.groups()
    with TemporaryDirectory() as folder:
        if run([*shlex.split(command.replace("\\\n", " ")), f"--out={folder}"]):
            raise SystemExit("A command of the page failed.")
        results = json.loads((Path(folder) / RESULTS).read_text())
        text = (Path(folder) / TABLES).read_text()
    return f"{head}{compared(results)}\n\n{tables(text)}\n\n"


def compared(results: dict) -> str:
    """What the table of decisions under encryption comes to."""
    tallies = results["encryption"].values()
    comparisons, different = (sum(each[what] for each in tallies) for what in ("comparisons", "different"))
    return f"{comparisons:,} comparisons were also made under encryption; {different:,} decisions or scores differ."


def tables(text: str) -> str:
    """The tables of a run, without the method that differs in nothing."""
    kept = [each for each in re.split(r"\n\n(?=\*\*)", text.strip()) if LEFT_OUT not in each]
    lines = "\n\n".join(kept).splitlines()
    return "\n".join(line for line in lines if ENCRYPTED not in line)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    old = PAGE.read_text(encoding="utf-8")
    new = MEASURED.sub(lambda each: measured(each) if args.only in each[2] else each[0], old)
    if args.write:
        PAGE.write_text(new, encoding="utf-8")
    elif new != old:
        print(
            *unified_diff(old.splitlines(), new.splitlines(), "the page", "measured", lineterm="", n=0),
            sep="\n",
        )
        raise SystemExit("The page says something else than what was measured.")


if __name__ == "__main__":
    main()
