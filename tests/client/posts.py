"""A deployment with its list in use, and the operator's files for it, by templates that are known."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from blindwatch.custodian import ceremony
from blindwatch.custodian.uploading import Upload
from blindwatch.he import noop
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.presets import PLAIN_MODULUS, preset
from blindwatch.he.released import INDICATOR, SCORE, places
from blindwatch.he.templates import Templates
from blindwatch.operator.reading import Reader
from blindwatch.secret.keys import KeySet
from blindwatch.statements.package import OperatorPackage, Priority
from blindwatch.statements.predicates import Thresholds
from blindwatch.wire.crops import WRAPPED
from blindwatch.wire.messages import Probe, ReleasedBlock, Result, now

from ..crops import CROP
from ..people import CAMERA
from ..serving import FORCE
from .approved import approve, view, write_list
from .running import MASTER, NOOP, command, enough, write_shares

if TYPE_CHECKING:
    from tests.serving import ServerProcess

PRESET = preset(NOOP)
THRESHOLD = 16_000
GATE = 120
MODEL = "ab" * 32
NAMES = ("Above", "At", "Below", "Dropped at the gate", "Passes the gate")
NOTE = "Speak [softly]"


def rows(*starts: tuple[int, ...]) -> np.ndarray:
    made = np.zeros((len(starts), PRESET.dimension), np.int64)
    for row, start in zip(made, starts, strict=True):
        row[: len(start)] = start
    return made


def filled(templates: np.ndarray, count: int, size: int) -> np.ndarray:
    """Values where the probes have none, so that no two ciphertexts are equal even where nothing is encrypted."""
    random = np.random.default_rng(7)
    for row in templates:
        row[random.choice(np.arange(2, len(row)), count, replace=False)] = random.choice([-size, size], count)
    return templates


# The probe's fine scores are just above, at and just below the threshold, high for an entry whose coarse score stays
# below the gate, and low for one that passes it.
ENROLLED = Templates(
    coarse=filled(rows((12, 6), (12, 6), (12, 6), (0, 13), (12, 6)), 20, 1),
    fine=filled(rows((160, 1), (160, 0), (160, -1), (170, 0), (10, 0)), 126, 3),
)
KNOWN = Templates(rows((12, 0)), rows((100, 1)))
STRANGER = Templates(rows((-12, 0)), rows((-100, 1)))


@dataclass(frozen=True)
class Post:
    """A deployment with its watchlist in use, and the operator's files for it."""

    folder: Path
    server: ServerProcess
    deployment: str
    keys: KeySet

    @property
    def entries(self) -> Path:
        return self.folder / "watchlist" / "operator.json"

    @property
    def references(self) -> list[str]:
        """What stands for each of the names, in their order."""
        return [entry.reference for entry in OperatorPackage.load(self.entries).entries]

    @property
    def reader(self) -> Reader:
        return Reader(self.keys.secret, THRESHOLD, len(NAMES))

    def probe(self, template: Templates, **changes: object) -> Probe:
        made = Probe(
            probe_id=secrets.token_hex(16),
            camera=CAMERA,
            preset=self.keys.secret.preset.name,
            key_id=self.keys.secret.key_id,
            model_digest=MODEL,
            captured_at=now(),
            ciphertext=Encryptor(self.keys.encryption).probe(template),
            crop=CROP,
        )
        return made.model_copy(update=changes)

    def see(self, *templates: Templates | None) -> list[str]:
        """Send probes and wait for their results; None is one that the server takes and cannot read."""
        camera, sent = self.server.client("camera"), []
        for template in templates:
            made = self.probe(template or KNOWN)
            if template is None:
                made = made.model_copy(update={"ciphertext": b"\xff" * len(made.ciphertext)})
            camera.post_probe(self.deployment, made)
            sent.append(made.probe_id)
            self.server.results(self.deployment, len(sent))  # so that they come in this order
        return sent

    def left(self) -> int:
        """Results that wait on the server."""
        return len(self.server.client("operator").fetch_results(self.deployment).results)

    def run(self, **changes: object) -> int:
        options = {
            "keys": self.folder / "keys",
            "entries": self.entries,
            "register": self.folder / "register.toml",
            "server": self.server.address,
            "deployment": self.deployment,
            "token_file": self.folder / "operator.token",
            "share_file": enough(self.folder / "shares"),
            "wait": 0.2,
            **changes,
        }
        return command("operator", "run", **options)


def posted(folder: Path, server: ServerProcess, keys: KeySet) -> Post:
    ceremony.write(keys, MASTER, folder / "keys")
    FORCE.write_register(folder / "register.toml")
    thresholds = Thresholds(similarity=0.5, gate=GATE, fine=THRESHOLD)
    first = view(NAMES[0], priority=Priority.RED, instruction=NOTE, known_relative="A twin")
    views = [first, *map(view, NAMES[1:])]
    write_list(folder / "watchlist", keys.encryption, MODEL, thresholds, views, ENROLLED)
    write_shares(folder / "shares")
    (folder / "operator.token").write_text("token-of-the-operator")
    return opened(Post(folder, server, "", keys))


def opened(post: Post) -> Post:
    """The same under a name of its own, so that no other test's results are there."""
    name = f"post-{secrets.token_hex(4)}"
    custodian = post.server.client("custodian")
    manifest = approve(post.folder / "keys", post.folder / "watchlist", name)
    for _ in Upload(custodian, manifest, post.folder / "keys", post.folder / "watchlist").send():
        pass
    return replace(post, deployment=name)


def released(indicators: dict[int, int], scores: dict[int, int]) -> ReleasedBlock:
    """A block as a server would release it in clear: chosen values for some entries, and noise for all others."""
    (layout,) = PRESET.plan(len(NAMES))
    values = np.random.default_rng(11).integers(1, PLAIN_MODULUS, PRESET.poly_degree)
    for value, chosen in ((INDICATOR, indicators), (SCORE, scores)):
        for entry, number in chosen.items():
            values[places(layout, value)[entry]] = number
    return ReleasedBlock(ciphertexts=(noop.pack(values),))


def as_result(*releases: ReleasedBlock, watchlist: str = "00" * 32) -> Result:
    return Result(
        probe_id="ab" * 16,
        camera="north",
        captured_at=now(),
        watchlist=watchlist,
        releases=releases,
        crop=bytes(WRAPPED),
        tombstone=0,
        elapsed_ms=5,
    )
