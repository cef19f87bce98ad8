"""Writing TOML, as far as the evaluation needs it: tables of numbers, texts and lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def written(content: Mapping[str, Any]) -> str:
    """The text of values, followed by one table for each mapping."""
    plain = {name: value for name, value in content.items() if not isinstance(value, Mapping)}
    parts = [_lines(plain)]
    parts += [f"[{name}]\n{_lines(value)}" for name, value in content.items() if isinstance(value, Mapping)]
    return "\n".join(parts)


def _lines(content: Mapping[str, Any]) -> str:
    # Strings, whole numbers, lists and truth values are the same in JSON.
    return "".join(f"{name} = {_value(value)}\n" for name, value in content.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return repr(float(value)) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
