"""The console's own command, with what cameras would have sealed in a folder: the first argument."""

from __future__ import annotations

import sys
from pathlib import Path

from blindwatch.cli.main import run
from blindwatch.console import commands
from blindwatch.operator.fetching import Reading


def main(folder: Path, arguments: list[str]) -> int:
    def crop(reading: Reading) -> bytes | None:
        path = folder / reading.probe_id
        return path.read_bytes() if path.exists() else None

    commands._no_crop = crop
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
