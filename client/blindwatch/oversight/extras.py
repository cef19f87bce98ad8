"""Packages that only some commands of oversight need: they are imported when they are, or asked for in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from blindwatch.errors import ConfigurationError


@contextmanager
def needing(what: str, extras: str) -> Iterator[None]:
    """Imports that may find nothing: of the packages `what`, which these extras bring. Raises ConfigurationError."""
    try:
        yield
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"The packages {what} are not installed.",
            f'Install them with: pip install "blindwatch[{extras}]"',
        ) from None
