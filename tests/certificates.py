"""A CA for one test, and what it issues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

LOOPBACK, EVERYWHERE = ip_address("127.0.0.1"), ip_address("0.0.0.0")  # noqa: S104


@dataclass(frozen=True)
class Authority:
    """A CA, and the folder with what it has issued."""

    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, folder: Path, name: str) -> Authority:
        made = cls(folder, _name(name), ec.generate_private_key(ec.SECP256R1()))
        certificate = made._certificate(made.name, made.key.public_key(), authority=True)
        made.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        return made

    @property
    def certificate(self) -> Path:
        (common,) = self.name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        assert isinstance(common.value, str)
        return self.folder / f"{common.value}.crt"

    def issue(self, name: str, protection: KeySerializationEncryption | None = None) -> tuple[Path, Path]:
        """The files of a certificate for this machine, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(_name(name), key.public_key(), authority=False)
        files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection or NoEncryption())
        )
        return files

    def _certificate(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool
    ) -> x509.Certificate:
        start = datetime.now(UTC) - timedelta(hours=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName(list(map(x509.IPAddress, (LOOPBACK, EVERYWHERE)))), critical=False
            )
        )
        return builder.sign(self.key, hashes.SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def server_settings(authority: Authority, **more: Path) -> dict[str, str]:
    """The settings of a server with a certificate of the CA."""
    certificate, key = authority.issue("server")
    files = {"tls_certificate": certificate, "tls_key": key, **more}
    return {name: str(path) for name, path in files.items()}
