"""Settings of the match server: command line, then environment, then a TOML file, then defaults."""

from __future__ import annotations

import os
import ssl
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from blindwatch.errors import ConfigurationError
from blindwatch.matching.access import Role
from blindwatch.wire.messages import Digest
from blindwatch.wire.tls import server_context

PREFIX: Final = "BLINDWATCH_SERVER_"


class ServerSettings(BaseSettings):
    """Everything that can be set. Unknown names are refused, since a misspelt limit would be no limit."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    data: Path
    register_file: Path | None = None
    """This server's own copy of the register of people who may sign; register.toml in the store by default."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8470
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    """Whose certificates clients must have; without it, they need none."""
    workers: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=lambda: os.cpu_count() or 1)
    threads: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=lambda: os.cpu_count() or 1)
    """Of each worker."""
    queue_length: Annotated[int, Field(ge=1, le=10_000)] = 64
    result_hours: Annotated[float, Field(gt=0, le=24 * 90)] = 24.0
    job_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0
    shutdown_seconds: Annotated[float, Field(ge=0, le=3600)] = 20.0
    allow_ranked: bool = False
    tokens: dict[Role, tuple[Digest, ...]] = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError("tls_client_ca asks for certificates, so the server needs its own")
        held = [digest for digests in self.tokens.values() for digest in set(digests)]
        if len(set(held)) < len(held):
            raise ValueError("a token has two roles, which exclude each other")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the first that knows a setting wins."""
        file = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, file_secret_settings, file

    @classmethod
    def load(cls, file: Path | None, **given: Any) -> Self:
        """Read the settings; `given` ones that are not None come before all others."""
        if file is not None and not file.is_file():
            raise ConfigurationError("The configuration file is not there.")

        class FromFile(cls):  # type: ignore[valid-type, misc]
            model_config = SettingsConfigDict(toml_file=file)

        try:
            settings: Self = FromFile(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise _invalid(error) from None
        except (SettingsError, tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
            raise ConfigurationError("The configuration cannot be read.") from None
        return settings

    @property
    def tls(self) -> ssl.SSLContext | None:
        """The server's side of TLS, or None for plain HTTP."""
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return server_context(self.tls_certificate, self.tls_key, self.tls_client_ca)

    @property
    def register_path(self) -> Path:
        """Where the register of people is."""
        return self.register_file or self.data / "register.toml"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def _invalid(error: ValidationError) -> ConfigurationError:
    """The first thing that is wrong, by the name of the setting and without its value."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return ConfigurationError(f"The setting '{name}' is missing.", hint=f"Give it with --{name}.")
    if not name:
        return ConfigurationError(f"The settings do not fit together: {first['msg']}.")
    return ConfigurationError(f"The setting '{name}' is not valid: {first['msg']}.")
