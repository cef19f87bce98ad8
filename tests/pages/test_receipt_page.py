"""The deletion receipt to print: who destroyed what and when, whose receipt is missing, and what none of it shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from blindwatch.deployment.receipt_page import html
from blindwatch.statements.predicates import Destroyed, Receipt

from ..people import BLANK
from ..serving import FORCE

if TYPE_CHECKING:
    from .conftest import Browser


def receipt(signer: str, **changes: object) -> Receipt:
    content: dict[str, object] = {
        "deployment": "gate-4",
        "manifest_digest": BLANK,
        "closing_digest": "cd" * 32,
        "signer": signer,
        "destroyed_at": "2026-11-28T18:00:04Z",
        "destroyed": (Destroyed(what="secret-key", count=1, size=33_208),),
        "kept": ("membership-key",),
        **changes,
    }
    return Receipt.model_validate(content)


def everybody() -> list[Receipt]:
    later = {"destroyed_at": "2026-11-28T18:02:00Z", "closing_digest": None, "kept": ()}
    return [receipt("a.khan"), receipt("e.novak", **later), receipt("server-1")]


def test_all_parties(tmp_path: Path) -> None:
    text = html(everybody(), FORCE.register)
    assert "Deployment gate-4 is destroyed" in text
    assert "No receipt here" not in text
    for said in ("a.khan", "server-1", "operator", "secret key", "33,208", "2026-11-28 18:02 UTC", "cd" * 32):
        assert said in text
    assert "<li>e.novak: nothing</li>" in text
    assert text.count("cd" * 32) == 1
    assert "<script" not in text


def test_whose_receipt_is_missing_is_said() -> None:
    text = html([receipt("a.khan")], FORCE.register)
    assert "receipts of a part of its end" in text
    assert "No receipt here: server, operator." in text


def test_everybody_can_read_it(browser: Browser, tmp_path: Path) -> None:
    for name, found in {"all": everybody(), "part": everybody()[:1]}.items():
        path = tmp_path / f"{name}.html"
        path.write_text(html(found, FORCE.register), encoding="utf-8")
        browser.check(path)
