"""Images, secret keys and shares are found by how they begin, and what only resembles them is not."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pyrage
import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from shamir_mnemonic.wordlist import WORDLIST

from blindwatch.errors import ConfigurationError
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.objects import HEADER
from blindwatch.he.templates import Templates
from blindwatch.oversight.scan.hits import Kind
from blindwatch.oversight.scan.own_keys import own_keys
from blindwatch.oversight.scan.scanning import Scan, Sought
from blindwatch.secret.keys import KeySet
from blindwatch.secret.shares import Group, Scheme, split
from blindwatch.secret.wrapping import identity, unwrap, wrap
from blindwatch.tlog.keys import Signer, Use

from ..certificates import Authority
from ..people import Force
from .planting import Found, between_noise, in_bytes, noise

NOTHING_KNOWN = Sought(vectors=False)
PICTURE = np.random.default_rng(4).integers(0, 256, (200, 150, 3), np.uint8)
KEYS: dict[str, PrivateKeyTypes] = {
    "Ed25519": Ed25519PrivateKey.generate(),
    "X25519": x25519.X25519PrivateKey.generate(),
    "RSA": rsa.generate_private_key(65537, 2048),
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "ML-DSA": MLDSA44PrivateKey.generate(),
}


def seen(data: bytes) -> Found:
    return in_bytes(between_noise(data), NOTHING_KNOWN)


@pytest.mark.parametrize(
    ("suffix", "what"),
    [
        (".jpg", "JPEG"),
        (".png", "PNG"),
        (".webp", "WebP"),
        (".bmp", "BMP"),
        (".jp2", "JPEG 2000"),
    ],
)
def test_an_image_is_found(suffix: str, what: str) -> None:
    done, data = cv2.imencode(suffix, PICTURE)
    assert done
    assert seen(data.tobytes()) == {Kind.IMAGE: {what}}


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("JPEG", b"\xff\xd8\xff\xe1\x1c\x45Exif\0\0II*\0"),
        ("JPEG", b"\xff\xd8\xff\xdb\0\x43\0\x08\x06\x06\x07\x06\x05\x08\x07\x07"),
        ("GIF", b"GIF89a\x1e\0\x28\0\xf7\0\0"),
        ("HEIF or AVIF", b"\0\0\0\x1cftypavif\0\0\0\0"),
        ("HEIF or AVIF", b"\0\0\0\x18ftypheic\0\0\0\0"),
        ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
        ("MP4 film", b"\0\0\0\x20ftypisom\0\0\x02\0"),
        (
            "Matroska film",
            b"\x1aE\xdf\xa3\xa3B\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x88matroska",
        ),
        ("AVI film", b"RIFF\0\0\x10\0AVI LIST"),
    ],
)
def test_the_beginning_of_a_file_is_found(what: str, data: bytes) -> None:
    assert seen(data) == {Kind.IMAGE: {what}}


def test_a_program_that_knows_formats_has_no_images() -> None:
    known = b"\xff\xd8\xff\0\x89PNG\r\n\x1a\n\0GIF87a\0GIF89a\0RIFF\0WEBP\0BM\0ftypheic\0"
    known += (
        b"-----BEGIN PRIVATE KEY-----\0"
        b"AGE-SECRET-KEY-1\0age-encryption.org/v1\0blindwatch secret key\0-----BEGIN %s PRIVATE KEY-----\n"
    )
    assert seen(known) == {}


def test_a_secret_key_of_seal_is_found(keys: KeySet) -> None:
    material = keys.secret.material
    body = zstandard.ZstdDecompressor().decompressobj().decompress(material[HEADER.size :])
    raw = HEADER.pack(*HEADER.unpack(material[: HEADER.size])[:4], 0, 0, HEADER.size + len(body)) + body
    for form in (material, raw, base64.b64encode(material), raw.hex().encode()):
        assert seen(form) == {Kind.KEY: {"secret key of SEAL"}}


def test_public_keys_and_ciphertexts_are_no_secret(keys: KeySet) -> None:
    encryptor = Encryptor(keys.encryption)
    template = np.full((1, 128), 1, np.int64)
    probe = encryptor.probe(Templates(template, 13 * template))
    assert in_bytes(probe, Sought()) == {}
    assert in_bytes(keys.encryption.to_bytes(), Sought()) == {}
    assert in_bytes(keys.evaluation.to_bytes()[: 32 << 20], Sought()) == {}


def test_what_wraps_a_key_is_found_in_every_layer(keys: KeySet) -> None:
    master = noise(32)
    wrapped = wrap(keys.secret, master)
    assert seen(wrapped) == {Kind.KEY: {"age file, which may wrap a key"}}
    opened = pyrage.decrypt(wrapped, [pyrage.x25519.Identity.from_str(identity(master))])
    assert unwrap(wrapped, master).material in opened
    assert seen(opened) == {Kind.KEY: {"content of a wrapped key", "secret key of SEAL"}}


def test_an_age_identity_is_found() -> None:
    text = identity(noise(32))
    in_base64 = base64.b64encode(noise(150) + text.encode() + noise(20)).decode()
    for written in (text, text.lower(), in_base64):
        assert seen(f"\n{written}\n".encode()) == {Kind.KEY: {"age identity"}}


@pytest.mark.parametrize("name", KEYS)
def test_a_private_key_is_found_in_pem_and_in_der(name: str) -> None:
    key = KEYS[name]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert "PEM private key" in seen(pem)[Kind.KEY]
    assert "PEM private key" in seen(json.dumps({"key": pem.decode()}).encode())[Kind.KEY]
    (what,) = seen(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))[Kind.KEY]
    assert what.startswith("PKCS #8 private key")


def test_an_encrypted_or_traditional_private_key_is_found() -> None:
    for form, protection in (
        (PrivateFormat.PKCS8, BestAvailableEncryption(b"word")),
        (PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"word")),
        (PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        (PrivateFormat.OpenSSH, NoEncryption()),
    ):
        assert (
            "PEM private key" in seen(KEYS["P-256"].private_bytes(Encoding.PEM, form, protection))[Kind.KEY]
        )


def test_public_keys_and_certificates_are_nothing(tmp_path: Path) -> None:
    certificate, _ = Authority.make(tmp_path, "ca").issue("server")
    public = KEYS["RSA"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert seen(certificate.read_bytes() + public) == {}


def test_a_servers_own_keys_belong_where_they_are(tmp_path: Path) -> None:
    force, log = Force(), Signer.generate("example.org/log", Use.LOG)
    certificate, tls = Authority.make(tmp_path, "ca").issue("server")
    (tmp_path / "log.vkey").write_text(f"{log.verifier}\n")
    public = {
        "register": force.write_register(tmp_path / "register.toml"),
        "log": tmp_path / "log.vkey",
        "certificate": certificate,
    }
    private = {
        "register": force.identities["server-1"].to_pem(),
        "log": log.to_pem(),
        "certificate": tls.read_bytes(),
    }
    for name, path in public.items():
        scan = Scan(Sought(own_keys=own_keys(path), vectors=False))
        for kind, data in private.items():
            scan.data(kind, data)
        assert {each.place for each in scan.result().own_keys} == {name}
        assert {each.place for each in scan.result().findings} == set(private) - {name}


def test_a_custodians_key_does_not_belong_on_a_server(tmp_path: Path) -> None:
    force = Force()
    scan = Scan(Sought(own_keys=own_keys(force.write_register(tmp_path / "register.toml"))))
    scan.data("store", force.identities["a.khan"].to_pem())
    (found,) = scan.result().findings
    assert (found.kind, found.count) == (Kind.KEY, 2)


@pytest.mark.parametrize(
    "text", ["", "not a key", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_public_key_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(ConfigurationError):
        own_keys(tmp_path / "key")


WORDS = split(noise(32), Scheme((Group(2, 3),)))[0][0].split()


@pytest.mark.parametrize(
    "text",
    [
        " ".join(WORDS),
        " ".join(WORDS).upper(),
        "\n".join(f"{number}. {word}" for number, word in enumerate(WORDS, 1)),
        json.dumps(WORDS),
        "here it is: " + ", ".join(WORDS) + "; the end",
    ],
)
def test_a_share_is_found(text: str) -> None:
    assert seen(text.encode()) == {Kind.SHARE: {"33 words of SLIP-39 in a row"}}


def test_most_of_a_share_is_found_and_less_is_not() -> None:
    assert seen(" ".join(WORDS[5:25]).encode()) == {Kind.SHARE: {"20 words of SLIP-39 in a row"}}
    assert seen(" ".join(WORDS[5:24]).encode()) == {}


def test_the_list_of_words_and_a_text_are_no_share(repo: Path) -> None:
    assert seen("\n".join(WORDLIST).encode()) == {}
    assert seen((repo / "README.md").read_bytes()) == {}
    assert seen(b"true,false,false,true,true,true,false,true," * 20) == {}
