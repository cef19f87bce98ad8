"""The compiled circuit as Concrete ML deploys it: `client.zip` for who holds keys, `server.zip` for who must not.

Both are kept in a folder of the user's cache that is named by the circuit's digest. The digest is over the circuit
and the cryptographic parameters that were chosen for it, and is registered with the models: a folder with another
content is refused, and a compilation that gives another one as well.
"""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

from concrete.ml.deployment import FHEModelDev, FHEModelServer
from concrete.ml.quantization import QuantizedModule

from blindwatch.errors import ModelCorrupt
from blindwatch.he.tfhe.circuit import compile_circuit, verdict

SERVER: Final = "server.zip"
CLIENT: Final = "client.zip"
_PARTS: Final = ("circuit.mlir", "client.specs.json")
_LARGEST: Final = 1 << 20


def build(folder: Path) -> str:
    """Compile into a new folder; returns the digest of what was compiled."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    module = QuantizedModule()
    # A circuit of our own in the place of one that Concrete ML made of a network: its deployment asks for no more.
    module.fhe_circuit = compile_circuit()
    module._is_compiled = True  # noqa: SLF001
    FHEModelDev(str(part), module).save(via_mlir=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return digest(folder)


def digest(folder: Path) -> str:
    """The digest of a folder's circuit and parameters; raises ModelCorrupt where they cannot be read."""
    whole = sha256(b"blindwatch circuit v1\n")
    try:
        with ZipFile(folder / SERVER) as archive:
            for name in _PARTS:
                with archive.open(name) as file:
                    whole.update(sha256(file.read(_LARGEST)).digest())
        with ZipFile(folder / CLIENT) as archive, archive.open(_PARTS[1]) as file:
            whole.update(sha256(file.read(_LARGEST)).digest())
    except (OSError, KeyError, BadZipFile):
        raise ModelCorrupt("The compiled circuit cannot be read.", "Make it again with: make tfhe") from None
    return whole.hexdigest()


def lookups(server: FHEModelServer) -> int:
    """How many table lookups (programmable bootstraps) a comparison takes, by the compiler's own count."""
    return int(server.server.programmable_bootstrap_count(verdict.__name__))


def check(folder: Path, registered: str) -> None:
    """Refuse a folder whose circuit is not the registered one."""
    if digest(folder) != registered:
        raise ModelCorrupt(
            "The compiled circuit is not the registered one.",
            "Make it again with: make tfhe",
        )
