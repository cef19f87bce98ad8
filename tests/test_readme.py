"""The documents: what they tell a reader to run exists, links lead somewhere, no machine is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "threat-model/*.md", "models/**/*.md", "benchmarks/*.md")
    for path in REPOSITORY.glob(pattern)
)
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MACHINE = re.compile(r"(?<![\w.])/(?:home|root|Users|tmp|work|var|opt|mnt|srv)/|[A-Z]:\\")


def snippets(text: str) -> list[str]:
    """Lines of shell blocks, joined where they are continued, and pieces of inline code."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def commands(text: str) -> set[tuple[tuple[str, ...], frozenset[str]]]:
    """Each command of the documents as its words and its options."""
    found = set()
    for snippet in snippets(text):
        words = snippet.split("#")[0].split()
        if words[:1] != ["blindwatch"]:
            continue
        names = []
        for word in words[1:]:
            if not re.fullmatch(r"[a-z]+(-[a-z]+)*", word):
                break
            names.append(word)
        options = frozenset(word for word in words if word.startswith("--"))
        found.add((tuple(names), options - {"--help"}))
    return found


EVERY_COMMAND = sorted(
    {command for path in DOCUMENTS for command in commands(path.read_text(encoding="utf-8"))}, key=str
)


def test_every_make_target_that_is_named_exists(repo: Path) -> None:
    named = {name for snippet in snippets(README) for name in re.findall(r"^make ([a-z]+)", snippet)}
    assert {"demo", "test"} <= named
    targets = re.findall(r"^([a-z]+):", (repo / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named <= set(targets)


def test_the_readme_names_every_role() -> None:
    roles = {names[0] for names, _ in EVERY_COMMAND if names}
    assert {"custodian", "camera", "operator", "server", "demo", "models"} <= roles


@pytest.mark.parametrize(
    ("names", "options"), [pytest.param(*command, id=" ".join(command[0])) for command in EVERY_COMMAND]
)
def test_every_command_that_is_named_has_help_with_its_options(
    names: tuple[str, ...], options: frozenset[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "blindwatch.cli.main", *names, "--help"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
    )
    assert done.returncode == 0, done.stderr
    assert {option for option in options if option not in done.stdout} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere_and_no_machine_is_named(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    local = [target for target in LINK.findall(text) if "://" not in target and not target.startswith("#")]
    assert [target for target in local if not (document.parent / target.split("#")[0]).exists()] == []
    assert MACHINE.search(text) is None


def test_decision_records_are_numbered_listed_and_short(repo: Path) -> None:
    folder = repo / "docs" / "decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    # Several are written at a time, so that a number may be free; none is given twice.
    assert len({record.name[:4] for record in records}) == len(records) > 0
    index = (folder / "README.md").read_text(encoding="utf-8")
    for record in records:
        lines = record.read_text(encoding="utf-8").splitlines()
        assert record.name in index
        assert lines[0].startswith(f"# {record.name[:4]} ")
        assert {"## Context", "## Decision", "## Consequences"} <= set(lines)
        assert len(lines) <= 40
