"""Every limit on what may come in over the wire, in one place. Sizes are bytes."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# What a custodian uploads.
BUNDLE: Final = 192 * MIB
ENVELOPE: Final = 8 * MIB  # the largest is a watchlist's, with the digest of every ciphertext
OFFER: Final = BUNDLE + 2 * ENVELOPE + 4 * KIB
BLOB: Final = 4 * MIB
BLOCKS: Final = 64

# Ranked search: a block of its gallery and a query, which are of one size, and how many of them.
RANKED_FORM: Final = 32 * MIB + KIB
RANKED_BLOCKS: Final = 1024
SEARCH: Final = RANKED_FORM + 4 * KIB
SEARCHES: Final = 4

# What a camera submits: one ciphertext, a sealed face, a few names and, under some profiles, a signed statement.
CIPHERTEXT: Final = 1536 * KIB
PROBE_AUTHORISATION: Final = 6 * KIB
PROBE: Final = CIPHERTEXT + 24 * KIB

# After the end of a deployment, cameras may say so long what they saw in its last minutes.
LATE_COUNTS_SECONDS: Final = 600.0

# What an operator fetches. A result of the largest watchlist still fits in a batch by itself.
RELEASED: Final = 193 * KIB
RELEASES: Final = 10  # of a block, where each number of an entry has a ciphertext of its own
RESULT: Final = RELEASES * RELEASED * BLOCKS + 64 * KIB
RANKED_SCORES: Final = 48 * KIB
SEARCH_RESULT: Final = RANKED_SCORES * RANKED_BLOCKS + 64 * KIB
BATCH_TARGET: Final = 40 * MIB
BATCH_RESULTS: Final = 64
WAIT_SECONDS: Final = 30.0
WITNESS_SECONDS: Final = 10.0

# Small answers: receipts, descriptions, health, problem details.
ANSWER: Final = 16 * KIB
JSON: Final = 64 * KIB

# Structure of a CBOR message.
DEPTH: Final = 8
ITEMS: Final = 65_536

# A refused body is read and thrown away up to here, or to its first pause of so many seconds: then its sender
# gets to see the refusal.
DISCARDED: Final = 256 * MIB
PAUSE_SECONDS: Final = 2.0

# A body has this many seconds to arrive, and one more for each part of this size.
BODY_SECONDS: Final = 30.0
BODY_PART: Final = 64 * KIB

# Signed statements.
SIGNATURES: Final = 64
REGISTER: Final = 1 * MIB
DRAFT: Final = 256 * KIB
CAMERAS: Final = 256
DOCUMENTS: Final = 64
REMOVED: Final = 65_536
SEALED: Final = 8 * KIB

# What a custodian reads of a list, and the operator of its package: room for 600,000 entries, and for long notes.
LIST: Final = 384 * MIB
LIST_ROWS: Final = 1_000_000
LIST_CELL: Final = 2000  # characters
PACKAGE: Final = 256 * MIB
CANDIDATES: Final = 384 * MIB  # so many faces, encrypted
FACES: Final = 50_000
MEMBERSHIP: Final = 64 * MIB

# Transparency logs: an entry is as long as its two bytes of length allow, and 256 are in a bundle or a tile.
LOG_ENTRY: Final = 65_535
LOG_BUNDLE: Final = 256 * (2 + LOG_ENTRY)
LOG_TILE: Final = 8 * KIB
LOG_NOTE: Final = 64 * KIB
LOG_PROOF: Final = LOG_NOTE + LOG_ENTRY + 8 * KIB
LOG_POLICY: Final = 64 * KIB
LOG_EVIDENCE: Final = 1000  # cases that a witness keeps

# A batch of results, each with its record and proof.
RESULT_BATCH: Final = RESULT + 64 * (8 * KIB + 8 * KIB)

# Replay: results that one challenge draws, how many records it may draw from, and probes that wait for it.
CHALLENGED: Final = 1000
EVIDENCE: Final = 256 * KIB
CHALLENGE_RANGE: Final = 100_000
PENDING: Final = 512
KEPT: Final = PROBE + 16 * KIB

# What an oversight body collects of one deployment.
BUNDLE_INFO: Final = 1 * MIB
BUNDLE_PACKAGES: Final = 2000
BUNDLE_STATEMENTS: Final = 4096
BUNDLE_KEPT: Final = 65_536
BUNDLE_SCAN: Final = 16 * MIB

# Verdicts in TFHE: compressed evaluation keys, and each part of a comparison.
OPINION_KEYS: Final = 256 * MIB
OPINION_PART: Final = 64 * KIB
