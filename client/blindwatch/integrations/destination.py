"""Where events go: what a way of sending has to do, and addresses that may be sent to."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

from blindwatch.errors import ConfigurationError
from blindwatch.integrations.events import Event

SECONDS: Final = 5.0
"""For one attempt to connect, and to be answered."""


class NotDelivered(Exception):
    """An attempt failed; the next one may not. The message is for a person, and holds nothing of the answer."""


class Destination(Protocol):
    """One receiver."""

    @property
    def name(self) -> str:
        """How people tell it from others: its kind and host."""

    def deliver(self, event: Event) -> None:
        """Send an event and wait until the receiver has taken it; raises NotDelivered."""


def address(url: str, plain: str, secure: str, server: str) -> SplitResult:
    """The parts of an address; raises ConfigurationError.

    Without TLS only this machine is sent to. Never the machine of the match server at the address `server`: whoever
    runs that would learn what was a match. On loopback, where everything is one machine, ports tell them apart.
    """
    try:
        parts, other = urlsplit(url), urlsplit(server)
        place, known = (parts.hostname, parts.port), (other.hostname, other.port)
    except ValueError:
        raise ConfigurationError("An address of an integration is not one.") from None
    if parts.scheme not in {plain, secure} or not parts.hostname or "@" in parts.netloc:
        raise ConfigurationError(
            f"An address of an integration does not begin with {secure}://, or says who is to log in.",
            "Secrets belong into files of their own.",
        )
    if parts.scheme == plain and not is_here(parts.hostname):
        raise ConfigurationError(f"Without TLS only this machine is sent to: {secure}:// is needed.")
    if place == known or (parts.hostname == other.hostname and not is_here(parts.hostname)):
        raise ConfigurationError(
            "An integration is at the match server, which must not learn what was decided.",
            "Send it to another machine.",
        )
    return parts


def is_here(host: str) -> bool:
    """Whether a host is this machine, by its address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
