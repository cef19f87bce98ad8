"""The OpenAPI description as one page of HTML that loads nothing from anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
@media (prefers-color-scheme: dark) { body { background: #14171a; color: #e6e6e6; } a { color: #8ab4f8; } }
section { border-top: 1px solid #8884; padding: .5rem 0; }
code, pre { font-family: ui-monospace, monospace; font-size: .85rem; }
pre { overflow: auto; max-height: 24rem; padding: .75rem; background: #8881; }
h2 { font-size: 1.05rem; margin: .5rem 0; }
"""


def manual(description: dict[str, Any]) -> str:
    """The page for an OpenAPI description."""
    title, version, summary = (
        escape(description["info"][key]) for key in ("title", "version", "description")
    )
    routes = "".join(
        _route(method, path, operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title} {version}</h1><p>{summary}"
        f' The same for programs: <a href="/openapi.json">/openapi.json</a>.</p>{routes}</html>\n'
    )


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    bodies = "".join(
        f"<details><summary>{escape(label)}</summary><pre>{escape(schema)}</pre></details>"
        for label, schema in _schemas(operation)
    )
    heading = f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
    return f"<section>{heading}<p>{escape(operation.get('description', ''))}</p>{bodies}</section>"


def _schemas(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    described = {"Request": operation.get("requestBody", {})} | {
        f"Response {status}": response for status, response in operation["responses"].items()
    }
    for label, holder in described.items():
        for media, content in holder.get("content", {}).items():
            yield f"{label} ({media})", json.dumps(content.get("schema", {}), indent=2)
