"""Deployments: the signed statements that they stand on, and what custodians took away since."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Tombstone, Watchlist
from blindwatch.store.tables import AUTHORISATIONS, DEPLOYMENTS, REVOCATIONS, STOPS, TERMS, TOMBSTONES
from blindwatch.tlog.policy import Policy
from blindwatch.wire.messages import now


@dataclass(frozen=True)
class Terms:
    """One version of a deployment: its manifest and its list, as they were signed."""

    manifest_statement: Envelope = field(repr=False)
    watchlist_statement: Envelope = field(repr=False)
    accepted: int
    """The index of the record in the log that says it was accepted."""

    @property
    def digests(self) -> tuple[str, str]:
        """Of the manifest and of the list: the same whoever else signs them."""
        return self.manifest_statement.digest, self.watchlist_statement.digest

    @cached_property
    def manifest(self) -> DeploymentManifest:
        """What was approved."""
        return DeploymentManifest.read(self.manifest_statement)

    @cached_property
    def log_policy(self) -> Policy:
        """Who has to have seen the log before anybody relies on it."""
        return self.manifest.read_log_policy()

    @cached_property
    def camera_names(self) -> dict[str, str]:
        """The names of the cameras by the identifiers of their keys."""
        return {camera.key_id: camera.name for camera in self.manifest.cameras}

    @cached_property
    def camera_keys(self) -> dict[str, Ed25519PublicKey]:
        """The keys of the cameras by their identifiers."""
        return {
            camera.key_id: Ed25519PublicKey.from_public_bytes(camera.raw) for camera in self.manifest.cameras
        }

    @cached_property
    def watchlist(self) -> Watchlist:
        """The list as digests of its ciphertexts."""
        return Watchlist.read(self.watchlist_statement)


@dataclass(frozen=True)
class Deployment:
    """One deployment as it is kept. The mask secret is not part of what it shows of itself."""

    id: str
    mask_secret: bytes = field(repr=False)
    in_force: Terms | None = None
    waiting: Terms | None = None
    tombstone_statement: Envelope | None = field(default=None, repr=False)
    authorisation_statement: Envelope | None = field(default=None, repr=False)
    revoked: frozenset[str] = frozenset()
    """Key identifiers of cameras."""
    stopped: frozenset[str] = frozenset()
    """Digests of manifests under which nothing is taken any more."""

    @property
    def is_stopped(self) -> bool:
        """Whether nothing is taken under the version in force."""
        return self.in_force is not None and self.in_force.manifest_statement.digest in self.stopped

    @cached_property
    def newest(self) -> Terms:
        """The version that came last; there is always one."""
        found = self.waiting or self.in_force
        if found is None:
            raise LookupError("a deployment without terms")
        return found

    @property
    def shown(self) -> Terms:
        """The version in force, or before the first activation the one that waits."""
        return self.in_force or self.newest

    @cached_property
    def mask_commitment(self) -> str:
        """The SHA-256 (hex) of the secret that seeds the masks."""
        return hashlib.sha256(self.mask_secret).hexdigest()

    @property
    def preset(self) -> str:
        """The parameter preset, which no version changes."""
        return self.newest.manifest.preset

    @property
    def key_id(self) -> str:
        """The key, which no version changes."""
        return self.newest.manifest.key_id

    @property
    def model_digest(self) -> str:
        """The model, which no version changes."""
        return self.newest.manifest.model_digest

    @property
    def bundle_digest(self) -> str:
        """The public keys, which no version changes."""
        return self.newest.manifest.bundle_digest

    @cached_property
    def tombstone(self) -> Tombstone | None:
        """The entries that no longer match."""
        return None if self.tombstone_statement is None else Tombstone.read(self.tombstone_statement)

    @property
    def blobs(self) -> frozenset[str]:
        """Every ciphertext that a version names."""
        versions = [terms for terms in (self.in_force, self.waiting) if terms is not None]
        return frozenset().union(*(terms.watchlist.blobs for terms in versions))


class Deployments:
    """The deployments of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, deployment: str, mask_secret: bytes, terms: Terms) -> None:
        """Keep a new deployment, whose terms wait for activation."""
        row = {"id": deployment, "mask_secret": mask_secret, "created_at": now()}
        with self._engine.begin() as connection:
            connection.execute(insert(DEPLOYMENTS).values(row))
            connection.execute(insert(TERMS).values(_row(deployment, terms, in_force=False)))

    def offer(self, deployment: str, terms: Terms) -> None:
        """Keep another version, in the place of one that was waiting."""
        statement = upsert(TERMS).values(row := _row(deployment, terms, in_force=False))
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["deployment", "in_force"], set_=row)
            )

    def activate(self, deployment: str, terms: Terms, *, same_list: bool) -> None:
        """Put the version that was waiting into force; the entries removed from another list come back with none."""
        with self._engine.begin() as connection:
            connection.execute(delete(TERMS).where(TERMS.c.deployment == deployment))
            connection.execute(insert(TERMS).values(_row(deployment, terms, in_force=True)))
            if not same_list:
                connection.execute(delete(TOMBSTONES).where(TOMBSTONES.c.deployment == deployment))

    def remove_entries(self, deployment: str, sequence: int, statement: Envelope) -> None:
        """Keep a tombstone beside those before."""
        row = {"deployment": deployment, "sequence": sequence, "statement": statement.to_json()}
        with self._engine.begin() as connection:
            connection.execute(insert(TOMBSTONES).values(row))

    def tombstone(self, deployment: str, sequence: int) -> bytes | None:
        """One tombstone of the list in force, if there is one of this number."""
        found = select(TOMBSTONES.c.statement).where(
            TOMBSTONES.c.deployment == deployment, TOMBSTONES.c.sequence == sequence
        )
        with self._engine.connect() as connection:
            return connection.execute(found).scalar()

    def authorise(self, deployment: str, statement: Envelope) -> None:
        """Keep what an authority was asked or has decided, in the place of what it was before."""
        content = {"statement": statement.to_json()}
        kept = upsert(AUTHORISATIONS).values(deployment=deployment, **content)
        with self._engine.begin() as connection:
            connection.execute(kept.on_conflict_do_update(index_elements=["deployment"], set_=content))

    def revoke(self, deployment: str, camera_key: str, statement: Envelope) -> None:
        """Keep a revocation; the first one of a key stays."""
        row = {"deployment": deployment, "camera_key": camera_key, "statement": statement.to_json()}
        with self._engine.begin() as connection:
            connection.execute(upsert(REVOCATIONS).values(row).on_conflict_do_nothing())

    def stop(self, deployment: str, manifest: str, statement: Envelope) -> None:
        """Keep a stop; the first one under a manifest stays."""
        row = {"deployment": deployment, "manifest": manifest, "statement": statement.to_json()}
        with self._engine.begin() as connection:
            connection.execute(upsert(STOPS).values(row).on_conflict_do_nothing())

    def all(self) -> list[Deployment]:
        """Every deployment."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(DEPLOYMENTS).order_by(DEPLOYMENTS.c.id)).all()
            terms = {
                (row.deployment, row.in_force): Terms(
                    Envelope.from_json(row.manifest), Envelope.from_json(row.watchlist), row.accepted
                )
                for row in connection.execute(select(TERMS))
            }
            removed = {
                row.deployment: Envelope.from_json(row.statement)
                for row in connection.execute(select(TOMBSTONES).order_by(TOMBSTONES.c.sequence))
            }
            authorised = {
                row.deployment: Envelope.from_json(row.statement)
                for row in connection.execute(select(AUTHORISATIONS))
            }
            stopped = [
                (row.deployment, row.manifest)
                for row in connection.execute(select(STOPS.c.deployment, STOPS.c.manifest))
            ]
            revoked = [
                (row.deployment, row.camera_key)
                for row in connection.execute(select(REVOCATIONS.c.deployment, REVOCATIONS.c.camera_key))
            ]
        return [
            Deployment(
                id=row.id,
                mask_secret=row.mask_secret,
                in_force=terms.get((row.id, True)),
                waiting=terms.get((row.id, False)),
                tombstone_statement=removed.get(row.id),
                authorisation_statement=authorised.get(row.id),
                revoked=frozenset(key for deployment, key in revoked if deployment == row.id),
                stopped=frozenset(digest for deployment, digest in stopped if deployment == row.id),
            )
            for row in rows
        ]


def _row(deployment: str, terms: Terms, *, in_force: bool) -> dict[str, object]:
    return {
        "deployment": deployment,
        "in_force": in_force,
        "manifest": terms.manifest_statement.to_json(),
        "watchlist": terms.watchlist_statement.to_json(),
        "accepted": terms.accepted,
    }
