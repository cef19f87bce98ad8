"""Keys that belong where a scan looks: those by which a server signs its log, receipts and connections."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.oversight.scan.keys import public_form
from blindwatch.statements.register import PersonRole, Register
from blindwatch.tlog.keys import Use, VerifierKey
from blindwatch.wire import limits

_WHAT: Final = "file with a server's public key"


def own_keys(path: Path) -> set[bytes]:
    """The public keys in a file: a register's of its servers, a log's vkey, or a certificate or key in PEM."""
    data = files.read_at_most(path, limits.REGISTER, _WHAT)
    if b"[[people]]" in data:
        servers = [each.keys for each in Register.read(data).people if each.role is PersonRole.SERVER]
        first = {public_form(Ed25519PublicKey.from_public_bytes(each.ed25519)) for each in servers}
        return first | {public_form(MLDSA44PublicKey.from_public_bytes(each.mldsa44)) for each in servers}
    try:
        if b"BEGIN CERTIFICATE" in data:
            return {public_form(each.public_key()) for each in x509.load_pem_x509_certificates(data)}
        if b"BEGIN PUBLIC KEY" in data:
            return {public_form(load_pem_public_key(data))}
    except ValueError:
        raise ConfigurationError(f"The {_WHAT} cannot be understood.") from None
    key = VerifierKey.parse(files.read_line(path, _WHAT), Use.LOG)
    return {public_form(Ed25519PublicKey.from_public_bytes(key.public))}
