"""The tables of the store.

Nothing in them is plaintext of a face. Who changes a row can make matching fail or feed it other ciphertexts; what is
signed and the digests let everybody notice, and the mask secret is why the files are private.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

SCHEMA_VERSION: Final = 8

METADATA: Final = MetaData()


def _deployment(*, primary_key: bool = False) -> Column[str]:
    return Column(
        "deployment",
        ForeignKey("deployments.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
    )


DEPLOYMENTS: Final = Table(
    "deployments",
    METADATA,
    Column("id", String, primary_key=True),
    Column("mask_secret", LargeBinary, nullable=False),
    Column("created_at", String, nullable=False),
)

TERMS: Final = Table(
    "terms",
    METADATA,
    _deployment(primary_key=True),
    Column("in_force", Boolean, primary_key=True),
    Column("manifest", LargeBinary, nullable=False),
    Column("watchlist", LargeBinary, nullable=False),
    Column("accepted", Integer, nullable=False),
)
"""At most two rows of signed statements for each deployment: those in force, and those that wait for activation.

`accepted` is the index of the record in the log that says so.
"""

TOMBSTONES: Final = Table(
    "tombstones",
    METADATA,
    _deployment(primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("statement", LargeBinary, nullable=False),
)
"""All of each list; the newest has the entries of all before."""

REVOCATIONS: Final = Table(
    "revocations",
    METADATA,
    _deployment(primary_key=True),
    Column("camera_key", String, primary_key=True),
    Column("statement", LargeBinary, nullable=False),
)

STOPS: Final = Table(
    "stops",
    METADATA,
    _deployment(primary_key=True),
    Column("manifest", String, primary_key=True),
    Column("statement", LargeBinary, nullable=False),
)
"""By the digest of the manifest under which nothing is taken any more."""

AUTHORISATIONS: Final = Table(
    "authorisations",
    METADATA,
    _deployment(primary_key=True),
    Column("statement", LargeBinary, nullable=False),
)
"""The newest of each deployment that began urgently."""

NONCES: Final = Table(
    "nonces",
    METADATA,
    _deployment(primary_key=True),
    Column("camera_key", String, primary_key=True),
    Column("nonce", String, primary_key=True),
    Column("kept_until", Float, nullable=False, index=True),
)
"""What signatures of cameras have used up, and those of operators, which are named as their probes are.

Who deletes a row can send that request once more in its minute, or that probe once more in its two.
"""

PROBE_COUNTS: Final = Table(
    "probe_counts",
    METADATA,
    _deployment(primary_key=True),
    Column("camera_key", String, primary_key=True),
    Column("total", Integer, nullable=False),
    Column("minute", Integer, nullable=False),
    Column("in_minute", Integer, nullable=False),
)
"""How many probes each camera has sent: to the deployment, and in the minute (of the epoch) of its newest one."""

FACE_COUNTS: Final = Table(
    "face_counts",
    METADATA,
    _deployment(primary_key=True),
    Column("camera", String, primary_key=True),
    Column("minute", String, primary_key=True),
    Column("faces", Integer, nullable=False),
    Column("dropped", Integer, nullable=False),
    Column("unusable", Integer, nullable=False),
)
"""How many faces each camera says it saw, for each minute. The log has the same, for everybody."""

RESULTS: Final = Table(
    "results",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    _deployment(),
    Column("probe_id", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("expires", Float, nullable=False, index=True),
    UniqueConstraint("deployment", "probe_id"),
    sqlite_autoincrement=True,
)

CLOSURES: Final = Table(
    "closures",
    METADATA,
    Column("id", String, primary_key=True),
    Column("manifest_digest", String, nullable=False),
    Column("closing_digest", String),
    Column("mask_secret", LargeBinary, nullable=False),
    Column("destroyed", String, nullable=False),
    Column("begun_at", String, nullable=False),
    Column("audit_until", Float, nullable=False),
    Column("log_policy", String, nullable=False),
    Column("receipt", LargeBinary),
)
"""What is left of deployments that are closed, or being closed while there is no receipt: no biometrics."""
