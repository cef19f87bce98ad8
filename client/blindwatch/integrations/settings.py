"""The file that says who is told: webhooks, brokers, dead letters, the port of the counts; secrets by path."""

from __future__ import annotations

import ssl
import tomllib
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.integrations import webhook
from blindwatch.integrations.courier import Courier
from blindwatch.integrations.dead_letters import DeadLetters
from blindwatch.integrations.destination import Destination, address
from blindwatch.integrations.mqtt import Broker
from blindwatch.integrations.outbox import Outbox
from blindwatch.integrations.webhook import Webhook
from blindwatch.wire import limits
from blindwatch.wire.tls import client_context

_WHAT: Final = "file of integrations"
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class WebhookSettings(_Strict):
    """One receiver of webhooks."""

    url: str
    secret_file: Path
    ca: Path | None = None
    """Whom to trust instead of the usual CAs."""

    def destination(self, server: str) -> Destination:
        """The receiver, which is not the match server."""
        parts = address(self.url, "http", "https", server)
        key = webhook.secret(files.read_line(self.secret_file, "secret of a webhook"))
        return Webhook(self.url, parts.netloc, key, client_context(self.ca, None, None))


class BrokerSettings(_Strict):
    """One MQTT broker."""

    url: str
    username: str | None = None
    password_file: Path | None = None
    ca: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("a password belongs to a username")
        return self

    def destination(self, server: str) -> Destination:
        """The broker, which is not the match server."""
        parts = address(self.url, "mqtt", "mqtts", server)
        password = None
        if self.password_file is not None:
            password = files.read_line(self.password_file, "password of a broker")
        tls = client_context(self.ca, None, None)
        if parts.scheme == "mqtts" and tls is None:
            tls = ssl.create_default_context()
        port = parts.port or _PORTS[parts.scheme]
        return Broker(str(parts.hostname), port, self.username, password, tls)


class Integrations(_Strict):
    """Everything in the file."""

    dead_letters: Path | None = None
    """A file for what could not be delivered; needed if anybody is told."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Where counts can be had on this machine; 0 takes a free one."""
    webhook: tuple[WebhookSettings, ...] = ()
    mqtt: tuple[BrokerSettings, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.webhook or self.mqtt) and self.dead_letters is None:
            raise ValueError("events that cannot be delivered need a file")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; raises ConfigurationError, which repeats nothing of it."""
        try:
            return cls.model_validate(tomllib.loads(files.read_at_most(path, limits.JSON, _WHAT).decode()))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
            wrong = "is not TOML"
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "dead_letters or username"
            wrong = f"does not follow its form (at {where})"
        raise ConfigurationError(f"The {_WHAT} {wrong}.", "docs/integrations.md has an example.")

    def outbox(self, server: str) -> Outbox:
        """An outbox for all destinations; `server` is the address of the match server, which is none of them."""
        if self.dead_letters is None:
            return Outbox()
        dead = DeadLetters(self.dead_letters)
        dead.check()
        places = [each.destination(server) for each in self.webhook]
        places += [each.destination(server) for each in self.mqtt]
        return Outbox([Courier(place, dead) for place in places])
