"""Runs one command in a small virtual machine that has this machine's files and a USB bus of its own.

`python tests/machine.py KERNEL COMMAND...` where KERNEL is an unpacked Debian kernel package, ends as the command
does. The files are there read-only: what is written stays in the machine's memory and is gone with it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Final

SECONDS: Final = 1800
"""The machine is ended after so long, whatever it does."""
UNFINISHED: Final = 70
"""How this program ends if the machine did before the command was over."""
QEMU: Final = "qemu-system-x86_64"
BUSYBOX: Final = "busybox"
"""Linked statically."""
MODULES: Final = ("virtio_pci", "9p", "9pnet_virtio", "overlay", "uvcvideo", "vhci_hcd")
_NEEDS = re.compile(rb"\0depends=([\w,-]*)\0")
_ENDED = re.compile(r"the command ended with (\d+)\s*$")
_MACHINE: Final = ("-m", "3072", "-cpu", "max,avx2=off", "-accel", "tcg", "-icount", "shift=0")
"""Its time is a nanosecond for each instruction, however busy this one is. With AVX2 NumPy crashes in QEMU 7.2."""
_NOTHING_ELSE: Final = ("-nodefaults", "-no-reboot", "-display", "none", "-nic", "none", "-serial", "stdio")
_FILES: Final = "local,path=/,mount_tag=files,security_model=none,readonly=on,multidevs=remap"
_FIRST: Final = """#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
for each in /modules/*; do busybox insmod $each || echo "$each cannot be loaded"; done
busybox mount -t tmpfs memory /memory
busybox mkdir /memory/upper /memory/work
busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose files /files
busybox mount -t overlay -o lowerdir=/files,upperdir=/memory/upper,workdir=/memory/work overlay /whole
for each in proc:proc sysfs:sys devtmpfs:dev devpts:dev/pts tmpfs:dev/shm; do
  busybox mkdir -p /whole/${{each#*:}}
  busybox mount -t ${{each%%:*}} ${{each%%:*}} /whole/${{each#*:}}
done
busybox ip link set lo up
busybox chroot /whole /bin/sh -c {command}
echo "the command ended with $?"
busybox poweroff -f
"""


def in_order(tree: Path) -> list[Path]:
    """The modules that are wanted and those that they need, each after its own."""
    paths = {path.stem.replace("-", "_"): path for path in tree.rglob("*.ko")}
    found: dict[str, Path] = {}

    def add(name: str) -> None:
        if name in found or name not in paths:
            return
        needs = _NEEDS.search(paths[name].read_bytes())
        for each in needs[1].decode().split(",") if needs else ():
            add(each.replace("-", "_"))
        found[name] = paths[name]

    for name in MODULES:
        add(name)
    return list(found.values())


def archive(command: str, modules: list[Path]) -> bytes:
    """What the machine begins with, as the kernel unpacks it (cpio, "newc")."""
    first = _FIRST.format(command=shlex.quote(command)).encode()
    files: dict[str, bytes | None] = dict.fromkeys(
        ("bin", "dev", "proc", "memory", "files", "whole", "modules")
    )
    files |= {"init": first, "bin/busybox": Path(_found(BUSYBOX)).read_bytes()}
    files |= {f"modules/{at:02}-{path.name}": path.read_bytes() for at, path in enumerate(modules)}
    return b"".join(_entries(files))


def _entries(files: dict[str, bytes | None]) -> Iterator[bytes]:
    for number, (name, content) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        mode = 0o040755 if content is None else 0o100755
        size = len(content or b"")
        fields = (number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % each for each in fields) + name.encode() + b"\0"
        yield head + bytes(-len(head) % 4)
        yield (content or b"") + bytes(-size % 4)


def _found(program: str) -> str:
    path = shutil.which(program)
    return path or sys.exit(f"{program} is not there: install qemu-system-x86 and busybox-static.")


def run(kernel: Path, command: str) -> int:
    """Run a command of the shell in the machine; what it prints is printed here."""
    (image,) = (kernel / "boot").glob("vmlinuz-*")
    with tempfile.NamedTemporaryFile() as first:
        first.write(archive(command, in_order(kernel)))
        first.flush()
        start = ("-kernel", str(image), "-initrd", first.name, "-append", "console=ttyS0 quiet panic=-1")
        words = (_found(QEMU), *_MACHINE, *_NOTHING_ELSE, "-virtfs", _FILES, *start)
        with subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
        ) as machine:
            end = Timer(SECONDS, machine.kill)
            end.start()
            try:
                return _followed(machine)
            finally:
                end.cancel()
                machine.kill()


def _followed(machine: subprocess.Popen[str]) -> int:
    """How the command ended, once the machine is off."""
    ended = UNFINISHED
    assert machine.stdout is not None
    for line in machine.stdout:
        print(line.rstrip(), flush=True)  # noqa: T201 - it stands in for the command's own terminal
        if found := _ENDED.search(line):
            ended = int(found[1])
    return ended


def main() -> int:
    """Run what the command line says, here in its folder."""
    kernel, *command = sys.argv[1:]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in kept.items())
    return run(Path(kernel), f"cd {shlex.quote(str(Path.cwd()))} && {settings} {shlex.join(command)}")


if __name__ == "__main__":
    sys.exit(main())
