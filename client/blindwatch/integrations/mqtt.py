"""MQTT: one message for each event, at `lfr/<deployment>/<event>`, which the broker has to confirm."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from threading import Event as Flag

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from blindwatch.integrations.destination import SECONDS, NotDelivered
from blindwatch.integrations.events import Event

_AT_LEAST_ONCE = 1


def topic(event: Event) -> str:
    """Where an event is published; names of deployments hold none of the characters that mean something there."""
    return f"lfr/{event.deployment}/{event.kind}"


@dataclass(frozen=True)
class Broker:
    """A broker that speaks MQTT 5. Nothing is retained: who subscribes later is not told of what was before."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(repr=False, default=None)
    tls: ssl.SSLContext | None = field(repr=False, default=None)

    @property
    def name(self) -> str:
        """Its kind and host."""
        return f"mqtt {self.host}"

    def deliver(self, event: Event) -> None:
        """Connect, publish, wait for the broker's word, and leave: there are a few events an hour."""
        exchange = _Exchange(self)
        try:
            exchange.publish(event)
        finally:
            exchange.end()


class _Exchange:
    """One connection for one message."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._connected, self._answered = Flag(), Flag()
        self._refused: ReasonCode | None = None
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.connect_timeout = SECONDS
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)

    def publish(self, event: Event) -> None:
        """Raises NotDelivered."""
        try:
            self._client.connect(self._broker.host, self._broker.port)
        except (OSError, ValueError):
            raise NotDelivered("not reached") from None
        self._client.loop_start()
        self._wait(self._connected, "does not let this program in")
        self._client.publish(topic(event), event.to_json(), _AT_LEAST_ONCE)
        self._wait(self._answered, "does not take the message")

    def end(self) -> None:
        """Leave, and end the thread of the connection."""
        self._client.disconnect()
        self._client.loop_stop()
        # They know each other: without this the client would close its sockets when Python looks for cycles, not now.
        self._client.on_connect = self._client.on_publish = None

    def _wait(self, flag: Flag, refusal: str) -> None:
        if not flag.wait(SECONDS):
            raise NotDelivered("does not answer")
        if self._refused is not None:
            raise NotDelivered(refusal)

    def _on_connect(
        self,
        _client: paho.Client,
        _data: object,
        _flags: paho.ConnectFlags,
        code: ReasonCode,
        _more: Properties | None,
    ) -> None:
        self._note(self._connected, code)

    def _on_publish(
        self, _client: paho.Client, _data: object, _message: int, code: ReasonCode, _more: Properties
    ) -> None:
        self._note(self._answered, code)

    def _note(self, flag: Flag, code: ReasonCode) -> None:
        if code.is_failure:
            self._refused = code
        flag.set()
