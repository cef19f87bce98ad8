"""A leak is found in every place: files, free pages of a database, memory, core dumps, archives, traffic."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from struct import pack

import numpy as np
import pytest
import zstandard

from blindwatch.errors import ConfigurationError
from blindwatch.oversight.scan import files as scan_files
from blindwatch.oversight.scan import stream as scan_stream
from blindwatch.oversight.scan.hits import Kind
from blindwatch.oversight.scan.memory import family
from blindwatch.oversight.scan.scanning import Scan

from .planting import FACE, WHO, between_noise, found, in_bytes, names_canary, noise, scanned

VECTOR = FACE.embedding.tobytes()
HOLDS = """
import os, sys
held = bytearray(sys.stdin.buffer.read(int(sys.argv[1])))
print("held", flush=True)
sys.stdin.buffer.read()
"""
CHILD = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)"
UNLINKED = """
import os, sys, tempfile
with tempfile.TemporaryFile() as file:
    file.write(sys.stdin.buffer.read(int(sys.argv[1])))
    file.flush()
    print("held", flush=True)
    sys.stdin.buffer.read()
"""


@contextmanager
def holding(data: bytes, *program: str) -> Iterator[int]:
    """A process that has some bytes, and what to scan it by."""
    command = [sys.executable, "-c", *(program or (HOLDS,)), str(len(data))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(data)
        process.stdin.flush()
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.stdin.close()


def test_every_file_of_a_tree_is_searched(tmp_path: Path) -> None:
    for name in ("a/b/c/deep.bin", ".hidden", "log/server.log"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(between_noise(VECTOR))
    scan = scanned(tmp_path)
    assert {each.place.name for each in scan.findings.of(is_wrong=True)} == {
        str(tmp_path / name) for name in ("a/b/c/deep.bin", ".hidden", "log/server.log")
    }
    (searched,) = scan.result().searched
    assert searched.items == 3


def test_what_is_not_searched_is_said(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(VECTOR)
    (tmp_path / "link").symlink_to("/etc/hostname")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    scan = scanned(tmp_path)
    assert scan.findings.unsearched == [
        (str(tmp_path / "folder"), "it is a link to another place"),
        (str(tmp_path / "link"), "it is a link to another place"),
        (str(tmp_path / "pipe"), "it is no file"),
    ]


def test_a_place_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        scanned(tmp_path / "nowhere")


def test_a_name_that_is_no_text_can_be_reported(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\xfe.bin"
    Path(os.fsdecode(name)).write_bytes(VECTOR)
    assert b"\\\\xff\\\\xfe.bin" in scanned(tmp_path).result().to_json()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_row_that_was_deleted_is_found_in_the_free_pages(journal: str, tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"pragma journal_mode={journal}")
        database.execute("pragma secure_delete=off")
        database.execute("create table kept (id integer primary key, data blob)")
        database.executemany("insert into kept (data) values (?)", [(noise(3000, at),) for at in range(20)])
        database.execute("insert into kept (data) values (?)", (FACE.photograph,))
        database.execute("insert into kept (data) values (?)", (VECTOR,))
        database.commit()
        database.execute("delete from kept")
        database.commit()
        assert not list(database.execute("select * from kept"))
        things = found(scanned(tmp_path))
    assert f"photograph of {WHO}, plain" in things[Kind.CANARY]
    assert f"embedding of {WHO} as float32, plain" in things[Kind.CANARY]


def test_a_row_that_was_deleted_securely_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma secure_delete=on")
        database.execute("create table kept (id integer primary key, data blob)")
        database.execute("insert into kept (data) values (?)", (FACE.photograph + VECTOR,))
        database.commit()
        database.execute("delete from kept")
        database.commit()
        database.execute("pragma wal_checkpoint(truncate)")
    assert found(scanned(tmp_path)) == {}


def zipped(data: bytes) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("face.bin", data)
        return file.getvalue()


def tarred(data: bytes) -> bytes:
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            info = tarfile.TarInfo("face.bin")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        return file.getvalue()


def saved(data: bytes) -> bytes:
    with io.BytesIO() as file:
        np.savez_compressed(file, face=np.frombuffer(data, np.uint8))
        return file.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "Zstandard": zstandard.ZstdCompressor(level=3).compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "Base64": base64.encodebytes,
    "hexadecimal": lambda data: data.hex().encode(),
    "tar and gzip": tarred,
    "NumPy archive": saved,
    "gzip in Base64 in zip": lambda data: zipped(base64.b64encode(gzip.compress(data))),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("before", [0, 5003, scan_stream.CHUNK - 3, scan_stream.CHUNK + 7])
def test_what_is_packed_is_found(packing: str, before: int) -> None:
    content = b"some text before it, which can be compressed " * 300 + VECTOR + FACE.photograph
    things = in_bytes(noise(before) + b"!" + PACKINGS[packing](content) + b"!" + noise(100))
    assert f"photograph of {WHO}, plain" in things[Kind.CANARY]
    assert names_canary({Kind.CANARY: {each for each in things[Kind.CANARY] if "embedding" in each}})


def test_a_large_member_is_unpacked_piece_by_piece() -> None:
    text = b"some text that can be compressed " * (150 << 10)
    content = text + FACE.photograph + text
    (scan := Scan(FACE.sought)).data("archive", gzip.compress(content))
    within = {each.place.within for each in scan.findings.of(is_wrong=True)}
    assert within == {("gzip at 0",)}
    assert scan.result().unpacked >= len(content)
    (each,) = scan.findings.of(is_wrong=True)
    assert len(text) < each.offset < len(text) + 1000


@pytest.mark.parametrize("limit", ["LARGEST", "ALTOGETHER"])
def test_more_than_is_searched_is_said(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_stream, limit, 1 << 20)
    (scan := Scan(FACE.sought)).data("bomb", gzip.compress(bytes(50 << 20)) * 2 + VECTOR)
    assert scan.findings.unsearched == [("bomb", "something in it unpacks to more than is searched")]
    assert scan.result().unpacked < 16 << 20
    assert names_canary(found(scan))


def test_what_is_packed_too_deep_is_said() -> None:
    nested = VECTOR
    for _ in range(7):
        nested = gzip.compress(nested)
    (scan := Scan(FACE.sought)).data("nested", nested)
    assert scan.findings.unsearched == [("nested", "something in it is packed too deep")]


def test_what_only_looks_packed_is_not_unpacked_over_and_over() -> None:
    """Blocks that are stored, each of which begins in the one before: four times as many at each level."""
    block = b"\x78\x01\x00" + pack("<HH", 60_000, 60_000 ^ 0xFFFF)
    (scan := Scan(FACE.sought)).data("program", block * 10_000 + VECTOR)
    assert scan.result().unpacked < 1 << 20
    assert names_canary(found(scan))


def test_memory_of_a_process_is_searched() -> None:
    with holding(noise(300) + VECTOR + noise(300)) as pid:
        scan = Scan(FACE.sought)
        try:
            scan.process(pid)
        except ConfigurationError:
            pytest.skip("this system does not let us read the memory of processes that we started")
    assert f"embedding of {WHO} as float32, plain" in found(scan)[Kind.CANARY]
    assert all(each.place.name.startswith(f"process {pid} (") for each in scan.findings.of(is_wrong=True))


def test_children_of_a_process_are_searched_as_well() -> None:
    with holding(VECTOR, CHILD, "-c", HOLDS) as pid:
        pids = family(pid)
        assert len(pids) == 2
        scan = Scan(FACE.sought)
        try:
            scan.process(pids[1])
        except ConfigurationError:
            pytest.skip("this system does not let us read the memory of processes that we started")
    assert names_canary(found(scan))


def test_an_open_file_without_a_name_is_searched() -> None:
    with holding(FACE.photograph, UNLINKED) as pid:
        scan = Scan(FACE.sought)
        try:
            scan.process(pid)
        except ConfigurationError:
            pytest.skip("this system does not let us read the memory of processes that we started")
    assert any("without a name" in each.place.name for each in scan.findings.of(is_wrong=True))


def test_memory_that_is_not_ours_to_read_is_an_error() -> None:
    with pytest.raises(ConfigurationError):
        Scan(FACE.sought).process(2**22 + 1)
    with pytest.raises(ConfigurationError, match="itself"):
        Scan(FACE.sought).process(os.getpid())


def test_a_core_dump_is_searched(tmp_path: Path) -> None:
    if shutil.which("gcore") is None:
        pytest.skip("gcore is not there")
    with holding(noise(300) + VECTOR + noise(300)) as pid:
        done = subprocess.run(
            ["gcore", "-o", str(tmp_path / "core"), str(pid)], check=False, capture_output=True
        )
        if done.returncode:
            pytest.skip("gcore may not trace here")
    assert f"embedding of {WHO} as float32, plain" in found(scanned(tmp_path))[Kind.CANARY]


def test_swap_is_searched_where_it_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "swap file").write_bytes(bytes(4096) + VECTOR + bytes(4096))
    (tmp_path / "swaps").write_text(
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        f"{tmp_path}/swap\\040file                     file\t\t8\t\t0\t\t-2\n"
        f"{tmp_path}/gone                     partition\t\t8\t\t0\t\t-3\n"
    )
    monkeypatch.setattr(scan_files, "_SWAPS", tmp_path / "swaps")
    scan = Scan(FACE.sought)
    scan.swap()
    assert names_canary(found(scan))
    assert scan.findings.unsearched == [(f"{tmp_path}/gone", "it cannot be read (No such file or directory)")]


@pytest.mark.parametrize(
    ("text", "why"), [("Filename\n", "this system has none in use"), (None, "does not say")]
)
def test_a_system_without_swap_is_said(
    text: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "swaps").write_text(text)
    monkeypatch.setattr(scan_files, "_SWAPS", tmp_path / "swaps")
    scan = Scan(FACE.sought)
    scan.swap()
    ((place, said),) = scan.findings.unsearched
    assert place == "swap"
    assert why in said


# Traffic: a leak in segments that are shorter than any needle, out of order and sent twice.


def segments(data: bytes, size: int = 30) -> list[tuple[int, bytes]]:
    cut = [(1000 + at, data[at : at + size]) for at in range(0, len(data), size)]
    for at in range(0, len(cut) - 1, 3):
        cut[at], cut[at + 1] = cut[at + 1], cut[at]
    first = min(cut)
    return [first, *(each for each in cut if each != first), cut[1], cut[5]]


def internet(sequence: int, data: bytes, version: int) -> bytes:
    tcp = pack(">HHIIBBHHH", 40_000, 8470, sequence % 2**32, 0, 5 << 4, 0x18, 1000, 0, 0) + data
    if version == 4:
        return pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, bytes(4), b"\x7f\0\0\1") + tcp
    return pack(">IHBB16s16s", 6 << 28, len(tcp), 6, 64, bytes(16), bytes(15) + b"\1") + tcp


LINKS = {1: bytes(12) + b"\x08\0", 101: b"", 113: bytes(16), 0: b"\x02\0\0\0"}


def classic(packets: list[bytes], link: int, order: str = "<") -> bytes:
    head = pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    return head + b"".join(pack(f"{order}IIII", 0, 0, len(each), len(each)) + each for each in packets)


def next_generation(packets: list[bytes], link: int) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        size = 12 + len(body)
        return pack("<II", kind, size) + body + pack("<I", size)

    blocks = [block(0x0A0D0D0A, pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, pack("<HHI", link, 0, 0))]
    for each in packets:
        body = pack("<IIIII", 0, 0, 0, len(each), len(each)) + each + bytes(-len(each) % 4)
        blocks.append(block(6, body))
    return b"".join(blocks)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("write", [classic, next_generation, partial(classic, order=">")])
def test_traffic_is_put_together(
    write: Callable[..., bytes], link: int, version: int, tmp_path: Path
) -> None:
    packets = [LINKS[link] + internet(each[0], each[1], version) for each in segments(VECTOR)]
    (tmp_path / "traffic.pcap").write_bytes(write(packets, link))
    scan = scanned(tmp_path)
    things = scan.findings.of(is_wrong=True)
    assert f"embedding of {WHO} as float32, plain" in {each.what for each in things}
    assert {each.place.within[0].split(" at ")[0] for each in things} == {"connection to port 8470"}


def test_numbers_of_bytes_that_start_again_are_followed(tmp_path: Path) -> None:
    packets = [internet(2**32 - 1200 + sequence, data, 4) for sequence, data in segments(VECTOR)]
    (tmp_path / "traffic.pcap").write_bytes(classic(packets, 101))
    assert names_canary(found(scanned(tmp_path)))


def test_a_compressed_answer_in_traffic_is_found(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(FACE.photograph)
    packets = [LINKS[1] + internet(sequence, data, 4) for sequence, data in segments(answer, 1400)]
    (tmp_path / "traffic.pcap").write_bytes(classic(packets, 1))
    assert names_canary(found(scanned(tmp_path)))


def test_real_traffic_is_found_as_a_plain_file(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as sender:
            sender.sendall(b"POST / HTTP/1.1\r\n\r\n" + VECTOR)
        connection, _ = listener.accept()
        with connection:
            (tmp_path / "stream").write_bytes(connection.recv(10_000))
    assert names_canary(found(scanned(tmp_path)))


@pytest.mark.parametrize("size", [1, 20, 23, 24, 30, 41, 200])
def test_a_capture_that_is_cut_short_is_no_error(size: int) -> None:
    packets = [LINKS[1] + internet(0, VECTOR, 4)]
    for whole in (classic(packets, 1), next_generation(packets, 1), classic([b"", b"\0" * 20, b"\x45"], 101)):
        in_bytes(whole[:size])
