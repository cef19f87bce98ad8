"""What somebody with root on the server comes by while a deployment runs, by every way there is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from blindwatch.custodian.building import NAMES
from blindwatch.he import objects
from blindwatch.statements.package import OperatorPackage
from blindwatch.vision.quantise import templates
from blindwatch.wire.messages import Probe, Result

from ..people import CREATOR
from ..serving import TOKENS
from . import known, memory
from .estate import CUSTODIANS, NAME, Estate, Photographs
from .keyring import Keyring, Sealed
from .search import Needle, Search

PUBLIC: Final = "public "
"""Before the description of what the server is meant to have."""
_PATHS: Final = (
    *("", "/manifest", "/watchlist", "/accepted", "/tombstone", "/tombstones/1", "/receipt"),
    *("/results?wait=5", f"/searches/{1:032x}", "/kept", f"/kept/{1:032x}", "/masks"),
)


@dataclass
class Loot:
    """All that might open something, what of the secrets was found where, and copies of what is sealed."""

    keyring: Keyring
    search: Search
    found: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    sealed: list[Sealed] = field(default_factory=list)

    @property
    def secrets(self) -> set[str]:
        return {what for what in self.found if not what.startswith(PUBLIC)}

    @property
    def public(self) -> set[str]:
        """The kinds of what was found that the server is meant to have."""
        return {what.removeprefix(PUBLIC).split(",")[0] for what in self.found - self.secrets}

    def take(self, place: str, pieces: Iterable[bytes]) -> None:
        """Look for secrets in some bytes, and for keys."""
        self.places.append(place)
        for piece in pieces:
            self.found |= self.search.whole(piece)
            self.keyring.add([piece])

    def take_all(self, estate: Estate, moment: str) -> None:
        """Take the server's disk, and its processes' memory while nothing moves in it."""
        self.take(f"disk while {moment}", estate.of_the_server())
        pid = estate.server.process.pid
        with memory.stopped([pid]):
            for process in (pid, *estate.server.workers):
                if memory.can_read(process):
                    whole = objects.raw_size(estate.preset, 1, len(estate.preset.primes))
                    self.take(f"memory while {moment}", memory.chunks(process, whole))


def secrets(estate: Estate, people: Photographs) -> Iterator[Needle]:
    """All that the server must not have, in every form."""
    for seen in (*people.enrolled, *people.crowd):
        yield from known.of_sighting(seen, estate.preset)
    names = json.loads((estate.of(CREATOR) / "watchlist" / NAMES).read_text())
    entries = OperatorPackage.load(estate.of(CREATOR) / "watchlist" / "operator.json").entries
    numbers = [int(names[each.reference]["image"].removesuffix(".jpg")) - 1 for each in entries]
    gallery = templates([people.enrolled[at].faces[0].embedding for at in numbers], estate.preset)
    for seen in people.crowd:
        yield from known.of_scores(seen.who, gallery, templates([seen.faces[0].embedding], estate.preset))
    yield from known.of_secret_key(estate.secret)
    yield from known.of_shares([estate.share(each) for each in CUSTODIANS], estate.master)


def sealed(estate: Estate, probes: Iterable[Probe]) -> Iterator[Sealed]:
    """Copies of the list and of what cameras sent."""
    blobs = estate.server.store / "blobs" / NAME
    watchlist = sorted(path for path in blobs.iterdir() if path.name != estate.manifest.bundle_digest)
    yield from (Sealed(f"list {number}", path.read_bytes()) for number, path in enumerate(watchlist))
    yield from (Sealed(f"probe {number}", probe.ciphertext) for number, probe in enumerate(probes))


def plunder(estate: Estate, people: Photographs) -> Loot:
    """Let people pass by, and take everything meanwhile."""
    probes = [estate.probe(number, seen) for number, seen in enumerate(people.crowd, 1)]
    copies = list(sealed(estate, probes))
    meant = (
        Needle(PUBLIC + needle.what, needle.data)
        for each in copies
        for needle in known.of_ciphertext(each.what.split()[0], each.data)
    )
    loot = Loot(Keyring(estate.preset), Search([*secrets(estate, people), *meant]), sealed=copies)
    with memory.stopped(estate.server.workers):
        camera = estate.server.client("camera")
        for probe in probes:
            camera.post_probe(NAME, probe)
        loot.take_all(estate, "probes wait")
    for number, result in enumerate(estate.server.results(NAME, len(probes)).results):
        assert isinstance(result, Result)
        for part in result.releases:
            loot.sealed += [Sealed(f"release {number}", each) for each in part.ciphertexts]
    loot.take_all(estate, "results wait")
    blobs = (f"/blobs/{path.name}" for path in (estate.server.store / "blobs" / NAME).iterdir())
    for path in (*_PATHS, *blobs):
        for role in TOKENS:
            answer = estate.server.http(role).get(f"/v1/deployments/{NAME}{path}")
            loot.take(f"{role} gets {path.partition('?')[0]}: {answer.status_code}", [answer.content])
    return loot
