"""Folders with a list, and keys to enrol it with, as a custodian has them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyrage

from blindwatch.custodian.entries import COLUMNS, Entry
from blindwatch.custodian.importing import LIST, read_list
from blindwatch.custodian.rules import Rules
from blindwatch.errors import Fault, InvalidList
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.presets import preset
from blindwatch.he.ranked.keys import RankKey
from blindwatch.policy.profile import profile
from blindwatch.secret.keys import generate

from ..crops import crop_key
from ..people import CREATOR, ROLES
from .photographs import portrait, small, write

TODAY = date(2026, 11, 25)
RECIPIENT = str(pyrage.x25519.Identity.generate().to_public())
"""Of faces that nobody opens."""
APPROVERS = frozenset(
    name for name, role in ROLES.items() if role.value in {"custodian", "authorising-officer"}
)


def rules(name: str = "uk-met") -> Rules:
    return Rules(profile(name), APPROVERS - {CREATOR}, TODAY)


def row(number: int = 1, /, **changes: str) -> dict[str, str]:
    """An adult whom nothing is wrong with, under the profiles of the United Kingdom."""
    return dict.fromkeys(COLUMNS, "") | {
        "image": f"{number}.png",
        "name": f"Quillon Zephyrine {number}",
        "nominal_ref": f"NR/{number:04}/26",
        "category": "wanted-by-court",
        "priority": "red",
        "instruction": "Stop and speak; warrant",
        "source_system": "custody images",
        "source_ref": f"CI-2026-{number}",
        "legal_basis": "Warrant of a court",
        "image_date": "2024-05-06",
        "justification": "Wanted since March",
        "sensitive": "no",
        **changes,
    }


def write_rows(folder: Path, *rows: Mapping[str, str]) -> Path:
    """The list of a folder, as a spreadsheet would save it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LIST).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder


def write_list(folder: Path, *rows: Mapping[str, str]) -> Path:
    """A list with a small photograph for every row, no two of one person."""
    for number, each in enumerate(rows):
        if not (folder / each["image"]).exists():
            write(folder / each["image"], portrait() if number == 0 else small(number - 1))
    return write_rows(folder, *rows)


def faults(folder: Path, using: Rules | None = None) -> list[tuple[str, str]]:
    """Row and field of everything that is wrong with a list; none if it can be read."""
    return [(each.row, each.field) for each in all_faults(folder, using)]


def all_faults(folder: Path, using: Rules | None = None) -> tuple[Fault, ...]:
    try:
        read_list(folder, using or rules())
    except InvalidList as refused:
        return refused.faults
    return ()


def entries(folder: Path, using: Rules | None = None) -> list[Entry]:
    return read_list(folder, using or rules())


def write_keys(folder: Path, key: EncryptionKey | RankKey | None = None) -> Path:
    """What enrolment needs of a ceremony: the encryption key and what it says of itself."""
    key = key or generate(preset("insecure-noop-128")).encryption
    folder.mkdir(parents=True)
    (folder / "encryption.key").write_bytes(key.to_bytes())
    described = {
        "preset": key.preset.name,
        "keyId": key.key_id,
        "recipient": RECIPIENT,
        "cropKey": crop_key(),
    }
    (folder / "keys.json").write_text(json.dumps(described))
    return folder
