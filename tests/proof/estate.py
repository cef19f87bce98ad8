"""All the folders of one deployment under the profile of a police force: whoever has one of them has no other.

Made by the commands that people use, on photographs, with real ciphertexts and a real server.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from blindwatch.camera.sealing import Sealer
from blindwatch.custodian import ceremony
from blindwatch.custodian.uploading import Upload
from blindwatch.errors import NoFace
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.presets import Preset, preset
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.store.database import DATABASE
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry
from blindwatch.wire.messages import Probe, now

from ..client.approved import approve_signed
from ..client.lists import row, write_rows
from ..client.running import command
from ..people import CAMERA, CREATOR, Force
from ..serving import FORCE, TOKENS, ServerProcess
from .keyring import Keyring, values
from .known import Sighting
from .search import files

MET: Final = Force("uk-met", FORCE)
CUSTODIANS: Final = ("a.khan", "b.osei", "c.ruiz")
OPERATOR, OFFICER = "e.novak", "d.silva"
NAME: Final = "gate-9"
CHILD: Final = {
    "category": "at-risk",
    "date_of_birth": "2012-01-01",
    "second_approver": "b.osei",
    "second_reason": "Missing since Monday",
}
_ENROLLED, _STRANGERS = 12, 2


@dataclass(frozen=True)
class Photographs:
    """Who is on the list, and who passes by: first another photograph of somebody listed, then strangers."""

    enrolled: list[Sighting]
    crowd: list[Sighting]

    @classmethod
    def of(cls, lfw: Path) -> Photographs:
        """Of people of whom there are two photographs with one face in each."""
        pipeline = FacePipeline.named(Registry.load())

        def look(photo: Path, who: str) -> Sighting | None:
            data = photo.read_bytes()
            try:
                faces = pipeline.faces(data)
            except NoFace:
                return None
            return Sighting(who, data, faces) if len(faces) == 1 else None

        pairs = []
        for folder in sorted(lfw.iterdir()):
            photos = sorted(folder.glob("*.jpg"))
            if len(photos) > 1:
                seen = look(photos[0], f"{folder.name}, first"), look(photos[1], f"{folder.name}, second")
                pairs += [seen] if all(seen) else []
            if len(pairs) == _ENROLLED + _STRANGERS:
                break
        firsts, seconds = zip(*pairs, strict=True)
        return cls(list(firsts[:_ENROLLED]), [seconds[0], *seconds[_ENROLLED:]])


@dataclass(frozen=True)
class Estate:
    """The folders, each with what its owner has, and the server."""

    folder: Path
    server: ServerProcess

    def of(self, who: str) -> Path:
        return self.folder / who

    @property
    def preset(self) -> Preset:
        return preset("reveal-128")

    @property
    def wrapped(self) -> bytes:
        """The wrapped key, which custodian and operator have, and which can be copied."""
        return (self.of(OPERATOR) / "keys" / FILE).read_bytes()

    def share(self, custodian: str) -> str:
        return (self.of(custodian) / "share").read_text().strip()

    @cached_property
    def master(self) -> bytes:
        return combine([self.share(each) for each in CUSTODIANS[:2]])

    @cached_property
    def secret(self) -> SecretKey:
        """What nobody of them has alone."""
        return unwrap(self.wrapped, self.master)

    @property
    def manifest_file(self) -> Path:
        return self.of(CREATOR) / f"{NAME}.dsse.json"

    @property
    def manifest(self) -> DeploymentManifest:
        return DeploymentManifest.read(Envelope.from_json(self.manifest_file.read_bytes()))

    @cached_property
    def _encryptor(self) -> Encryptor:
        return Encryptor(ceremony.encryption_key(self.of("camera")))

    def probe(self, number: int, seen: Sighting) -> Probe:
        """What the camera makes of a photograph."""
        probe_id, face = f"{number:032x}", seen.faces[0]
        return Probe(
            probe_id=probe_id,
            camera=CAMERA,
            preset=self.preset.name,
            key_id=self.manifest.key_id,
            model_digest=self.manifest.model_digest,
            captured_at=now(),
            ciphertext=self._encryptor.probe(templates([face.embedding], self.preset)),
            crop=Sealer(self.manifest, CAMERA).seal(seen.portrait.copy(), probe_id),
        )

    def files(self, *owners: str) -> list[bytes]:
        """All files of some of them, or of everybody."""
        return [
            path.read_bytes()
            for owner in owners or [each.name for each in self.folder.iterdir()]
            for path in files(self.of(owner))
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Everything in the database of the server."""
        place = f"file:{self.server.store / DATABASE}?mode=ro"
        with closing(sqlite3.connect(place, uri=True)) as database:
            database.row_factory = sqlite3.Row
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return [
                dict(each)
                for (table,) in tables
                for each in database.execute(f"SELECT * FROM {table}")  # noqa: S608
            ]

    def of_the_server(self) -> Iterator[bytes]:
        """What is on the server's disk, with the tokens, of which it has only digests."""
        yield from self.files("server")
        yield from values(self.rows())
        yield from (token.encode() for token in TOKENS.values())

    def keyring(self, *owners: str) -> Keyring:
        """All that might open something in the folders of some of them."""
        return Keyring(self.preset).add(self.files(*owners))


def make(folder: Path, server: ServerProcess, people: Photographs) -> Estate:
    """Hold the ceremony, enrol and sign the list, have it approved and upload it."""
    estate = Estate(folder, server)
    made = estate.of(CREATOR)
    for who in (*CUSTODIANS, OPERATOR, OFFICER):
        estate.of(who).mkdir()
        MET.write_identity(who, estate.of(who) / "identity.pem")
        MET.write_register(estate.of(who) / "register.toml")
    _hold_ceremony(estate)
    rows = [
        row(
            number,
            **(CHILD if number == 1 else {}),
            quality_override="The only photograph",
            image=f"{number}.jpg",
        )
        for number in range(1, len(people.enrolled) + 1)
    ]
    write_rows(made / "list", *rows)
    for number, seen in enumerate(people.enrolled, 1):
        (made / "list" / f"{number}.jpg").write_bytes(seen.photograph)
    own = {"identity": made / "identity.pem", "register": made / "register.toml"}
    options = {"keys": made / "keys", "list": made / "list", "watchlist": made / "watchlist"}
    assert command("custodian", "enrol", deployment=NAME, profile="uk-met", **options, **own) == 0
    other = {name: estate.of("b.osei") / path.name for name, path in own.items()}
    signing = ("custodian", "sign-watchlist", "--approve-sensitive")
    assert command(*signing, watchlist=made / "watchlist", **other) == 0
    manifest = approve_signed(MET, made / "keys" / ceremony.EVALUATION, made / "watchlist")
    for _ in Upload(server.client("custodian"), manifest, made / "keys", made / "watchlist").send():
        pass
    _hand_over(estate)
    return estate


def _hold_ceremony(estate: Estate) -> None:
    """Everybody goes with one share, and nothing is left of all of them together."""
    together = estate.folder / "together"
    keys = estate.of(CREATOR) / "keys"
    assert command("custodian", "ceremony", profile="uk-met", out=keys, share_files=together) == 0
    for custodian, share in zip(CUSTODIANS, sorted(together.iterdir()), strict=True):
        share.rename(estate.of(custodian) / "share")
    together.rmdir()


def _hand_over(estate: Estate) -> None:
    """What operator and camera get, and tokens."""
    made, operator, camera = estate.of(CREATOR), estate.of(OPERATOR), estate.of("camera")
    shutil.copytree(made / "keys", operator / "keys")
    shutil.copy(made / "watchlist" / "operator.json", operator)
    camera.mkdir()
    for name in (ceremony.ENCRYPTION, ceremony.DESCRIPTION):
        shutil.copy(made / "keys" / name, camera)
    MET.write_camera(camera / "camera.pem")
    for who, role in ((CREATOR, "custodian"), (OPERATOR, "operator")):
        (estate.of(who) / "token").write_text(TOKENS[role])
