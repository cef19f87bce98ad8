"""`python -m blindwatch.he.tfhe.build FOLDER`: compile the circuit and print its digest."""

from __future__ import annotations

import sys
from pathlib import Path

from blindwatch.he.tfhe.artefacts import build

if __name__ == "__main__":
    print(build(Path(sys.argv[1])))  # noqa: T201 - for who started this
