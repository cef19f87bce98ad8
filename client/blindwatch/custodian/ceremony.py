"""The key ceremony in its simple form: one custodian, one passphrase. See the known gaps of the threat model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.he.keys import EncryptionKey, EvaluationBundle
from blindwatch.he.presets import Preset
from blindwatch.he.ranked.keys import RankKey
from blindwatch.he.ranked.presets import RANK_PRESETS, RankPreset
from blindwatch.secret.keys import KeySet, generate
from blindwatch.secret.ranked import RankKeySet, generate_ranked
from blindwatch.secret.wrapping import wrap

ENCRYPTION: Final = "encryption.key"
EVALUATION: Final = "evaluation.keys"
SECRET: Final = "secret.key"  # noqa: S105 - a file name
DESCRIPTION: Final = "keys.json"
SHORTEST: Final = 12
"""Characters of a passphrase: scrypt makes guessing slow, and no more than that."""


def hold(preset: Preset, passphrase: str, folder: Path) -> KeySet:
    """Make keys and write them into a new folder."""
    keys = generate(preset)
    write(keys, passphrase, folder)
    return keys


def write(keys: KeySet | RankKeySet, passphrase: str, folder: Path) -> None:
    """Write keys into a new folder; the secret key is written under the passphrase only."""
    if len(passphrase.strip()) < SHORTEST:
        raise ConfigurationError(
            f"The passphrase has fewer than {SHORTEST} characters.",
            "Use several words that nobody can guess.",
        )
    files.make_folder(folder, "keys")
    files.write_private(folder / ENCRYPTION, keys.encryption.to_bytes(), "encryption key")
    if isinstance(keys, KeySet):
        files.write_private(folder / EVALUATION, keys.evaluation.to_bytes(), "evaluation keys")
    files.write_private(folder / SECRET, wrap(keys.secret, passphrase), "secret key")
    description = {"preset": keys.secret.preset.name, "keyId": keys.encryption.key_id}
    files.write_json(folder / DESCRIPTION, description, "description of the keys")


def hold_ranked(preset: RankPreset, passphrase: str, folder: Path) -> RankKeySet:
    """As `hold` for ranked search, which has no evaluation keys."""
    keys = generate_ranked(preset)
    write(keys, passphrase, folder)
    return keys


def is_ranked(folder: Path) -> bool:
    """Whether the keys of a ceremony are for ranked search."""
    match files.read_json(folder / DESCRIPTION, "description of the keys"):
        case {"preset": str(name)}:
            return name in RANK_PRESETS
    raise ConfigurationError("The description of the keys does not have its fields.")


def ranked_key(folder: Path) -> RankKey:
    """The encryption key of a ceremony for ranked search."""
    return RankKey.from_bytes(files.read(folder / ENCRYPTION, "encryption key"))


def encryption_key(folder: Path) -> EncryptionKey:
    """The encryption key of a ceremony."""
    return EncryptionKey.from_bytes(files.read(folder / ENCRYPTION, "encryption key"))


def evaluation_bundle(folder: Path, preset: Preset) -> EvaluationBundle:
    """The evaluation keys of a ceremony."""
    return EvaluationBundle.from_bytes(files.read(folder / EVALUATION, "evaluation keys"), preset)
