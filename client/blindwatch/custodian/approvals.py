"""Second approvals: whoever the list names for an entry agrees to it by signing the list, and nobody can for them.

The statement of the list names these people, and binds what they agree to: the custodian's record of each of these
entries, by an HMAC under the key of the commitments. So nobody without that key can test a guess about a child.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from rich.markup import escape
from rich.table import Table

from blindwatch.errors import StatementMismatch
from blindwatch.statements.predicates import Watchlist

_DOMAIN: Final = b"blindwatch second approvals v1\0"

Records: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The custodian's records of entries, as names.json has them, by the references of the entries."""


def approved(records: Records) -> Records:
    """The records of the entries that somebody else is to agree to."""
    return {name: record for name, record in records.items() if record["secondApprover"] is not None}


def approvers(records: Records) -> tuple[str, ...]:
    """Who is to agree to any of these entries."""
    return tuple(sorted({record["secondApprover"] for record in records.values()}))


def digest(records: Records, key: bytes) -> str | None:
    """What binds these records; none if there are none."""
    if not records:
        return None
    content = json.dumps(records, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key, _DOMAIN + content, hashlib.sha256).hexdigest()


def check(records: Records, key: bytes, watchlist: Watchlist) -> Records:
    """The records that the statement of a list binds, out of all of them; raises StatementMismatch."""
    bound = approved(records)
    stated = (watchlist.second_approvals, watchlist.approvers, watchlist.approvals_digest)
    if (len(bound), approvers(bound), digest(bound, key)) != stated:
        raise StatementMismatch(
            "The entries that need a second approval are not those that the list was built with.",
            "Have the list built again.",
        )
    return bound


def table(records: Iterable[Mapping[str, Any]]) -> Table:
    """What an approver is to agree to."""
    columns = ("Row", "Name", "Born", "Category", "On the list because", "Second approver", "Reason")
    shown = Table(*columns, title="Under age, or sensitive otherwise")
    for each in records:
        texts = (
            *(each["row"], each["name"], each["dateOfBirth"], each["category"], each["justification"]),
            *(each["secondApprover"], each["secondReason"]),
        )
        shown.add_row(*(escape(text or "") for text in texts))
    return shown
