"""The tables of the store.

Nothing in them is plaintext of a face. Who changes a row can make matching fail or feed it other
ciphertexts; the digests let workers notice changed blobs, and the mask secret is why the files are private.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
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

SCHEMA_VERSION: Final = 1

METADATA: Final = MetaData()

DEPLOYMENTS: Final = Table(
    "deployments",
    METADATA,
    Column("id", String, primary_key=True),
    Column("preset", String, nullable=False),
    Column("key_id", String, nullable=False),
    Column("model_digest", String, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("bundle_digest", String, nullable=False),
    Column("mask_secret", LargeBinary, nullable=False),
    Column("created_at", String, nullable=False),
)

WATCHLISTS: Final = Table(
    "watchlists",
    METADATA,
    Column("deployment", ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True),
    Column("manifest", LargeBinary, nullable=False),
    Column("enrolled_at", String, nullable=False),
)

RESULTS: Final = Table(
    "results",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("deployment", ForeignKey("deployments.id", ondelete="CASCADE"), nullable=False),
    Column("probe_id", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("expires", Float, nullable=False, index=True),
    UniqueConstraint("deployment", "probe_id"),
    sqlite_autoincrement=True,
)
