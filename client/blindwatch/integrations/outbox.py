"""The outbox: hands every event to every courier, and says what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from blindwatch.integrations.courier import Courier
from blindwatch.integrations.events import Event


class Outbox:
    """Everybody who is told; nobody, if there are no couriers."""

    def __init__(self, couriers: Sequence[Courier] = ()) -> None:
        self.couriers = tuple(couriers)

    def send(self, event: Event) -> None:
        """Have an event delivered. Does not wait, and never fails."""
        for courier in self.couriers:
            courier.hand(event)

    @property
    def undelivered(self) -> int:
        """Events that did not reach a destination, counted for each."""
        return sum(each.fates["dead"] + each.fates["lost"] for each in self.couriers)

    def close(self) -> None:
        """Let all couriers end."""
        for courier in self.couriers:
            courier.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
