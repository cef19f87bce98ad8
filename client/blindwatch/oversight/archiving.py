"""A bundle as one file, to hand on: what belongs into a bundle, and nothing else that may lie in its folder."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from blindwatch.errors import ConfigurationError
from blindwatch.oversight import bundle as places
from blindwatch.oversight.bundle import Bundle

NAME: Final = "bundle.zip"
_FILES: Final = (places.INFO, places.MASK_SECRET, places.SCAN)
_FOLDERS: Final = (
    places.LOG,
    places.OPERATOR_LOG,
    places.STATEMENTS,
    places.KEYS,
    places.BLOBS,
    places.KEPT,
)
_PAGES: Final = {".html", ".htm", ".jpg", ".jpeg", ".png", ".csv"}
"""What people lay beside a bundle, and may hold photographs or names."""


def archive(bundle: Bundle, folder: Path) -> str:
    """Write the archive of a bundle into a folder, uncompressed since ciphertexts do not shrink; returns its name."""
    root = bundle.folder
    listed = [root / name for name in _FILES if (root / name).is_file()]
    for name in _FOLDERS:
        listed += sorted(
            path for path in (root / name).rglob("*") if path.is_file() and not path.is_symlink()
        )
    try:
        with zipfile.ZipFile(folder / NAME, "x", zipfile.ZIP_STORED) as made:
            for path in listed:
                if path.suffix.lower() not in _PAGES:
                    made.write(path, f"{bundle.deployment}/{path.relative_to(root)}")
    except OSError as error:
        raise ConfigurationError(f"The archive cannot be written ({error.strerror}).") from None
    return NAME
