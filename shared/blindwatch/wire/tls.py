"""TLS between the roles and the match server: version 1.3 and nothing older, with certificates from files."""

from __future__ import annotations

import ssl
from pathlib import Path

from blindwatch.errors import ConfigurationError


def server_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """The server's side; with a CA for clients, nobody connects without a certificate of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    _load(context, certificate, key)
    if client_ca is not None:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """A client's side: whom to trust instead of the usual CAs, and its own certificate; None if nothing is given."""
    if (certificate is None) != (key is None):
        raise ConfigurationError("A certificate and its key go together.", "Name both files, or neither.")
    if ca is None and certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if ca is None:
        context.load_default_certs()
    else:
        _trust(context, ca)
    if certificate is not None and key is not None:
        _load(context, certificate, key)
    return context


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except OSError:
        raise ConfigurationError("The certificates of the CA cannot be read, or are none in PEM.") from None


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # Without a password of ours, an encrypted key would have the process ask for one.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError:
        raise ConfigurationError(
            "The certificate and its key cannot be read, or do not belong together.",
            "Both are files in PEM, and the key has no passphrase.",
        ) from None
