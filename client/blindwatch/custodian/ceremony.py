"""The key ceremony in its simple form: one custodian, one passphrase. See the known gaps of the threat model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.he.keys import EncryptionKey, EvaluationBundle
from blindwatch.he.presets import Preset
from blindwatch.secret.keys import KeySet, generate
from blindwatch.secret.wrapping import wrap

ENCRYPTION: Final = "encryption.key"
EVALUATION: Final = "evaluation.keys"
SECRET: Final = "secret.key"  # noqa: S105 - a file name
DESCRIPTION: Final = "keys.json"


def hold(preset: Preset, passphrase: str, folder: Path) -> KeySet:
    """Make keys and write them into a new folder."""
    keys = generate(preset)
    write(keys, passphrase, folder)
    return keys


def write(keys: KeySet, passphrase: str, folder: Path) -> None:
    """Write keys into a new folder; the secret key is written under the passphrase only."""
    files.make_folder(folder, "keys")
    files.write_private(folder / ENCRYPTION, keys.encryption.to_bytes(), "encryption key")
    files.write_private(folder / EVALUATION, keys.evaluation.to_bytes(), "evaluation keys")
    files.write_private(folder / SECRET, wrap(keys.secret, passphrase), "secret key")
    description = {"preset": keys.secret.preset.name, "keyId": keys.encryption.key_id}
    files.write_json(folder / DESCRIPTION, description, "description of the keys")


def encryption_key(folder: Path) -> EncryptionKey:
    """The encryption key of a ceremony."""
    return EncryptionKey.from_bytes(files.read(folder / ENCRYPTION, "encryption key"))


def evaluation_bundle(folder: Path, preset: Preset) -> EvaluationBundle:
    """The evaluation keys of a ceremony."""
    return EvaluationBundle.from_bytes(files.read(folder / EVALUATION, "evaluation keys"), preset)
