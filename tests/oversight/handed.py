"""What an operator hands over of checks and comparisons once a deployment is over, as it is and changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import carry_out
from blindwatch.oversight.checks.grounds import CHECK
from blindwatch.records.record import Record
from blindwatch.statements.predicates import Closing
from blindwatch.tlog.log import Log

from ..client.running import command
from ..client.stations import OFFICERS, Station
from ..people import stamp
from ..serving import FORCE, TOKENS
from .deployments import OPERATOR_LOG

Change = Callable[[list[Record]], None]


@dataclass(frozen=True)
class Checks:
    """The bundle of a deployment that is over, and the records of the journal that was kept for it."""

    bundle: Path
    records: tuple[Record, ...]

    def faults(self, folder: Path, change: Change) -> tuple[str, ...]:
        """What a verification finds if the operator hands over a journal that was changed."""
        bundle = Path(shutil.copytree(self.bundle, folder / "bundle"))
        records = list(self.records)
        change(records)
        shutil.rmtree(bundle / "operator-log")
        Log.create(bundle / "operator-log", folder / "head", OPERATOR_LOG)
        with Log(bundle / "operator-log", folder / "head", OPERATOR_LOG) as log:
            log.append([record.to_cbor() for record in records])
        (bundle / "operator-log" / "vkey").write_text(f"{OPERATOR_LOG.verifier}\n")
        return carry_out(CHECK, Case(Bundle.open(bundle), OFFICERS.register)).faults


def handed_over(station: Station, folder: Path) -> Path:
    """Close the deployment, and have oversight export what server and operator have of it."""
    _close(station)
    (folder / "oversight.token").write_text(TOKENS["oversight"])
    done = command(
        *("oversight", "export", str(folder / "bundle")),
        deployment=station.deployment,
        server=station.server.address,
        token_file=folder / "oversight.token",
        add=[station.manifest_file, station.watchlist / "watchlist.dsse.json"],
        operator_log=station.journal / "site",
    )
    assert done == 0
    return folder / "bundle"


def _close(station: Station) -> None:
    custodian = station.server.client("custodian")
    closing = Closing(
        deployment=station.deployment,
        manifest_digest=custodian.get_deployment(station.deployment).manifest_digest,
        reason="It is over",
        issued_at=stamp(datetime.now(UTC)),
    )
    custodian.close_deployment(station.deployment, FORCE.sign(closing.envelope(), "c.ruiz").to_json())


def record(checked: Checks, folder: Path, *words: str) -> dict[str, Any]:
    register = OFFICERS.write_register(folder / "register.toml")
    out = folder / "record"
    assert command("oversight", "record", str(checked.bundle), *words, register=register, out=out) == 0
    found: dict[str, Any] = json.loads((out / "record.json").read_text())
    return found


# Changes to the records of a kind


def first(records: list[Record], kind: type[Record]) -> int:
    return next(place for place, each in enumerate(records) if isinstance(each, kind))


def without(kind: type[Record]) -> Change:
    def change(records: list[Record]) -> None:
        del records[first(records, kind)]

    return change


def changed(kind: type[Record], **update: object) -> Change:
    def change(records: list[Record]) -> None:
        place = first(records, kind)
        records[place] = records[place].model_copy(update=update)

    return change


def everywhere(kind: type[Record], **update: object) -> Change:
    def change(records: list[Record]) -> None:
        for place, each in enumerate(records):
            records[place] = each.model_copy(update=update) if isinstance(each, kind) else each

    return change


def twice(kind: type[Record]) -> Change:
    def change(records: list[Record]) -> None:
        records.append(records[first(records, kind)])

    return change
