"""The people of a demonstration, and their approval: each signs with keys of their own, all held by one program."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.deployment.drafting import Draft, DraftDocument, Listing, draw_up
from blindwatch.deployment.prediction import curves, predict
from blindwatch.policy.profile import profile
from blindwatch.statements.predicates import CameraKey
from blindwatch.statements.register import Person, PersonRole, entry
from blindwatch.statements.signing import Identity
from blindwatch.vision.registry import Registry

PROFILE: Final = "demo"
REGISTER: Final = "register.toml"
MANIFEST: Final = "deployment.dsse.json"
LOG_POLICY: Final = "log.policy"
PEOPLE: Final = {
    "custodian": PersonRole.CUSTODIAN,
    "officer": PersonRole.AUTHORISING_OFFICER,
    "operator": PersonRole.OPERATOR,
}
_NOTICE: Final = "notice.txt"
_NOTICE_TEXT: Final = b"A demonstration of face matching is under way on this machine."
_HOURS: Final = 4


def make_people(folder: Path) -> Path:
    """Make signing keys for everybody and write the register, which is returned."""
    entries = []
    for name, role in PEOPLE.items():
        identity = Identity.generate()
        files.write_private(folder / f"{name}.pem", identity.to_pem(), "signing keys")
        entries.append(entry(Person(name, role, identity.public)))
    files.write_private(folder / REGISTER, "\n".join(entries).encode(), "register")
    return folder / REGISTER


def approve(folder: Path, keys: Path, watchlist: Path, cameras: Sequence[CameraKey]) -> Path:
    """Draw up the manifest for a list as its custodian, have the officer approve it, and write it.

    The policy of the server's log lies in the folder already.
    """
    rules, listing = profile(PROFILE), Listing.load(watchlist)
    measured = curves(Registry.load(), listing.watchlist.model_digest)
    expected = predict(measured, listing.package.similarity, listing.watchlist.entries)
    draft = _draft(folder, rules.documents, cameras)
    envelope = draw_up(
        draft, folder, keys, listing, expected.statement(None), "custodian", rules, base=None
    ).envelope()
    for name in ("custodian", "officer"):
        envelope = envelope.signed_by(Identity.from_pem(files.read(folder / f"{name}.pem", "signing keys")))
    files.write_private(folder / MANIFEST, envelope.to_json(), "manifest")
    return folder / MANIFEST


def _draft(folder: Path, documents: Sequence[str], cameras: Sequence[CameraKey]) -> Draft:
    """The draft, with the files that it names written beside it."""
    files.write_private(folder / _NOTICE, _NOTICE_TEXT, "notice")
    for camera in cameras:
        files.write_private(
            folder / f"{camera.name}.json", camera.model_dump_json().encode(), "camera's entry"
        )
    start = datetime.now(UTC)
    end = start + timedelta(hours=_HOURS)
    return Draft(
        profile=PROFILE,
        purpose="To show how matching on encrypted templates works",
        place="This machine",
        not_before=start,
        not_after=end,
        cameras=tuple(f"{camera.name}.json" for camera in cameras),
        log_policy=LOG_POLICY,
        documents=tuple(
            DraftDocument(kind=kind, version="1", file=_NOTICE, expires=end) for kind in documents
        ),
    )
