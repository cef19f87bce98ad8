"""The key ceremony: new keys for one deployment, and shares of what opens the secret one.

The folder of the keys appears at once when everything is done, or not at all: shares whose ceremony was cut short
open nothing, and are thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, InternalError
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.presets import Preset
from blindwatch.he.ranked.keys import RankKey
from blindwatch.he.ranked.presets import RANK_PRESETS, RankPreset
from blindwatch.secret import candidates, crops
from blindwatch.secret.keys import KeySet, generate
from blindwatch.secret.ranked import RankKeySet, generate_ranked
from blindwatch.secret.shares import Scheme, combine, new_master, some_of, split
from blindwatch.secret.wrapping import FILE, unwrap, unwrap_ranked, wrap

ENCRYPTION: Final = "encryption.key"
EVALUATION: Final = "evaluation.keys"
DESCRIPTION: Final = "keys.json"

Keys: TypeAlias = KeySet | RankKeySet
HandOut: TypeAlias = Callable[[str, list[list[str]]], None]
"""Gives the shares, group by group, to the people who hold them; it is told the identifier of the key."""


def make_keys(preset: Preset | RankPreset) -> Keys:
    """New keys for a preset."""
    return generate_ranked(preset) if isinstance(preset, RankPreset) else generate(preset)


def hold(preset: Preset | RankPreset, scheme: Scheme, folder: Path, hand_out: HandOut) -> Keys:
    """Make keys, hand out the shares of what opens the secret one, and write all else into a new folder."""
    files.check_new_folder(folder, "keys")
    keys, master = make_keys(preset), new_master()
    shares = split(master, scheme)
    hand_out(keys.encryption.key_id, shares)
    # Tried before the secret is forgotten: a share that does not open would be found out too late.
    master = combine(some_of(shares, scheme))
    write(keys, master, folder)
    return keys


def write(keys: Keys, master: bytes, folder: Path) -> None:
    """Write keys into a new folder, the secret one wrapped, and seen to open again."""
    wrapped = wrap(keys.secret, master)
    opening = unwrap if isinstance(keys, KeySet) else unwrap_ranked
    if opening(wrapped, master) != keys.secret:
        raise InternalError("The wrapped key did not open, so nothing was written.")
    with files.new_folder(folder, "keys") as part:
        files.write_private(part / ENCRYPTION, keys.encryption.to_bytes(), "encryption key")
        if isinstance(keys, KeySet):
            files.write_private(part / EVALUATION, keys.evaluation.to_bytes(), "evaluation keys")
        files.write_private(part / FILE, wrapped, "secret key")
        description = {
            "preset": keys.secret.preset.name,
            "keyId": keys.encryption.key_id,
            "recipient": candidates.recipient(keys.secret),
        }
        if isinstance(keys, KeySet):
            description["cropKey"] = crops.recipient(keys.secret)
        files.write_json(part / DESCRIPTION, description, "description of the keys")


def is_ranked(folder: Path) -> bool:
    """Whether the keys of a ceremony are for ranked search."""
    match files.read_json(folder / DESCRIPTION, "description of the keys"):
        case {"preset": str(name)}:
            return name in RANK_PRESETS
    raise ConfigurationError("The description of the keys does not have its fields.")


def recipient(folder: Path) -> str:
    """Whom the faces of a list are encrypted to, for the operator to see."""
    return _described(folder, "recipient")


def crop_key(folder: Path) -> str:
    """The key that cameras seal faces to, for the operator to see, as manifests have it."""
    return _described(folder, "cropKey")


def _described(folder: Path, name: str) -> str:
    match files.read_json(folder / DESCRIPTION, "description of the keys"):
        case {**described} if isinstance(found := described.get(name), str):
            return found
    raise ConfigurationError("The description of the keys does not have its fields.")


def ranked_key(folder: Path) -> RankKey:
    """The encryption key of a ceremony for ranked search."""
    return RankKey.from_bytes(files.read(folder / ENCRYPTION, "encryption key"))


def encryption_key(folder: Path) -> EncryptionKey:
    """The encryption key of a ceremony."""
    return EncryptionKey.from_bytes(files.read(folder / ENCRYPTION, "encryption key"))
