"""A camera at the USB bus of this machine: a USB video class device (UVC 1.0) behind the host controller of USB/IP.

To the kernel it is a camera like any other: it is enumerated, negotiates format and rate, and sends pictures in
isochronous transfers, as web cameras do. Needs Linux with `vhci_hcd` and `uvcvideo`, and root.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Self

CONTROLLER: Final = Path("/sys/devices/platform/vhci_hcd.0")
NODE: Final = Path("/dev/video0")
"""What the kernel makes of the camera, if it is the only one."""
_PORT, _DEVICE, _HIGH_SPEED = 0, 1, 3
_SUBMIT, _UNLINK, _SUBMITTED, _UNLINKED = 1, 2, 3, 4
_STALLED, _TAKEN_BACK = -32, -104
_PICTURES = 0x81
"""The endpoint."""
_PACKET: Final = 3072
"""Bytes of a packet at most: three of 1024 in each eighth of a millisecond."""
_DESCRIPTOR, _SET_INTERFACE, _SET = (0x80, 6), (1, 11), (0x21, 1)
_NEGOTIATION = struct.Struct("<HBBIHHHHHII")
_YUY2 = bytes.fromhex("5955593200001000800000aa00389b71")
_NEVER: Final = 3600.0


@dataclass(frozen=True)
class View:
    """Pictures of one size, as they travel, that are shown again and again."""

    size: tuple[int, int]
    rate: float
    pictures: Sequence[bytes]

    @property
    def interval(self) -> int:
        """Tenths of microseconds from one picture to the next."""
        return round(1e7 / self.rate)

    @property
    def largest(self) -> int:
        """Bytes of a picture at most."""
        return 2 * self.size[0] * self.size[1]


@dataclass(frozen=True)
class Form:
    """A form of pictures that the camera has: JPEG, or as they are (YUYV)."""

    is_jpeg: bool
    views: Sequence[View]

    def described(self, number: int) -> bytes:
        """The descriptors of the form, of its sizes, and of its colours."""
        if self.is_jpeg:
            form = bytes((11, 0x24, 6, number, len(self.views), 1, 1, 0, 0, 0, 0))
        else:
            form = struct.pack("<5B16s6B", 27, 0x24, 4, number, len(self.views), _YUY2, 16, 1, 0, 0, 0, 0)
        sizes = (self._size(at, view) for at, view in enumerate(self.views, 1))
        return form + b"".join(sizes) + bytes((6, 0x24, 13, 1, 1, 4))

    def _size(self, number: int, view: View) -> bytes:
        bits = round(8 * view.largest * view.rate)
        return struct.pack(
            "<5BHHIIIIBI",
            *(30, 0x24, 7 if self.is_jpeg else 5, number, 0, *view.size, bits, bits),
            *(view.largest, view.interval, 1, view.interval),
        )


def _configuration(forms: Sequence[Form]) -> bytes:
    """All descriptors: what is controlled, from the lens to the plug, and pictures, once idle and once streaming."""
    terminals = struct.pack("<4BHBBHHHB3x", 18, 0x24, 2, 1, 0x0201, 0, 0, 0, 0, 0, 3)
    terminals += struct.pack("<4BHBBB", 9, 0x24, 3, 2, 0x0101, 0, 1, 0)
    control = struct.pack("<3BHHIBB", 13, 0x24, 1, 0x0100, 13 + len(terminals), 48_000_000, 1, 1) + terminals
    described = b"".join(form.described(number) for number, form in enumerate(forms, 1))
    length = 13 + len(forms)
    head = (length, 0x24, 1, len(forms), length + len(described), _PICTURES, 0, 2, 0, 0, 0, 1)
    parts = (
        bytes((8, 11, 0, 2, 14, 3, 0, 0)),
        bytes((9, 4, 0, 0, 0, 14, 1, 0, 0)) + control,
        bytes((9, 4, 1, 0, 0, 14, 2, 0, 0)) + struct.pack("<4BH7B", *head) + bytes(len(forms)) + described,
        bytes((9, 4, 1, 1, 1, 14, 2, 0, 0)) + struct.pack("<4BHB", 7, 5, _PICTURES, 5, 0x1400, 1),
    )
    content = b"".join(parts)
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(content), 2, 1, 0, 0x80, 250) + content


@dataclass
class _Transfer:
    """What the host asks for."""

    number: int
    lengths: list[int]
    """Of its packets."""


class Webcam:
    """Plugged in while it is open."""

    def __init__(self, *forms: Form) -> None:
        self._forms = forms
        self._device = struct.pack(
            "<BBHBBBBHHHBBBB", 18, 1, 0x0200, 239, 2, 1, 64, 0x1D6B, 0x0102, 1, 0, 0, 0, 1
        )
        self._configuration = _configuration(forms)
        self._agreed = self._agreement(b"")
        self._asked: deque[_Transfer] = deque()
        self._packets: deque[bytes] = deque()
        self._shown = 0
        self._stands_still = False
        self._due = time.monotonic() + _NEVER
        self._socket, kernel = socket.socketpair()
        with kernel:
            (CONTROLLER / "attach").write_text(f"{_PORT} {kernel.fileno()} {_DEVICE} {_HIGH_SPEED}")
        self._thread = Thread(target=self._run, name="webcam", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull()

    def pull(self) -> None:
        """Pull the plug, in whatever it is doing."""
        if self._socket.fileno() >= 0:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._socket.close()

    def stand_still(self) -> None:
        """Stay plugged in, and send no more pictures until the host begins anew."""
        self._stands_still = True

    def _run(self) -> None:
        while True:
            wait = max(0.0, self._due - time.monotonic()) if self._asked else None
            ready = True if wait is None else select.select([self._socket], [], [], wait)[0]
            if ready and not self._answered():
                return
            self._show()

    def _read(self, length: int) -> bytes:
        content = b""
        while len(content) < length and (part := self._socket.recv(length - len(content))):
            content += part
        return content

    def _answered(self) -> bool:
        """Take one message of the host; false if there are none any more."""
        head = self._read(48)
        if len(head) < 48:
            return False
        kind, number, _, is_in, endpoint, _, length, _, packets, _ = struct.unpack(">10I", head[:40])
        if kind == _UNLINK:
            self._take_back(number, struct.unpack_from(">I", head, 20)[0])
        elif endpoint:
            found = [struct.unpack(">4I", self._read(16)) for _ in range(packets)]
            self._asked.append(_Transfer(number, [each[1] for each in found]))
        else:
            content = self._control(head[40:48], b"" if is_in else self._read(length))
            status = 0 if content is not None else _STALLED
            sent = (content or b"")[:length]
            self._send(number, status, sent if is_in else b"", len(sent) if is_in else length)
        return True

    def _take_back(self, number: int, meant: int) -> None:
        left = [each for each in self._asked if each.number != meant]
        status = _TAKEN_BACK if len(left) < len(self._asked) else 0
        self._asked = deque(left)
        self._socket.sendall(struct.pack(">5Ii24x", _UNLINKED, number, 0, 0, 0, status))

    def _send(self, number: int, status: int, content: bytes, length: int, packets: bytes = b"") -> None:
        counts = (status, length, 0, len(packets) // 16, 0)
        head = struct.pack(">5I5i8x", _SUBMITTED, number, 0, 0, 0, *counts)
        self._socket.sendall(head + content + packets)

    def _control(self, setup: bytes, given: bytes) -> bytes | None:
        """What is answered to a request; None to one that is not understood."""
        kind, request, value, interface, _ = struct.unpack("<BBHHH", setup)
        if (kind, request) == _DESCRIPTOR:
            return {1: self._device, 2: self._configuration}.get(value >> 8)
        if (kind, request) == _SET_INTERFACE and interface == 1:
            self._packets.clear()
            self._stands_still = False
            self._due = time.monotonic() + (0 if value else _NEVER)
        if kind & 0x60 == 0:
            return bytes(2)
        if interface != 1:
            return None
        if (kind, request) == _SET:
            self._agreed = self._agreement(given)
        return self._agreed

    def _agreement(self, wish: bytes) -> bytes:
        """The form and size that are wished for, or the first ones."""
        form, size = _NEGOTIATION.unpack(wish)[1:3] if len(wish) == _NEGOTIATION.size else (1, 1)
        self._view = self._forms[form - 1].views[size - 1]
        view = self._view
        return _NEGOTIATION.pack(1, form, size, view.interval, 0, 0, 0, 0, 0, view.largest, _PACKET)

    def _show(self) -> None:
        """Send pictures that are due, as far as they are asked for."""
        if not self._packets and time.monotonic() >= self._due:
            picture = self._view.pictures[self._shown % len(self._view.pictures)]
            self._due += 1 / self._view.rate
            self._packets.extend([] if self._stands_still else _packed(picture, self._shown % 2))
            self._shown += 1
        while self._packets and self._asked:
            transfer = self._asked.popleft()
            sent = [self._packets.popleft() if self._packets else b"" for _ in transfer.lengths]
            places = [0]
            for length in transfer.lengths:
                places.append(places[-1] + length)
            described = (
                struct.pack(">4I", place, length, len(packet), 0)
                for place, length, packet in zip(places, transfer.lengths, sent, strict=False)
            )
            content = b"".join(sent)
            self._send(transfer.number, 0, content, len(content), b"".join(described))


def _packed(picture: bytes, parity: int) -> list[bytes]:
    """A picture in packets, each with a head that says which of two it belongs to and whether it is the last."""
    room = _PACKET - 2
    parts = [picture[at : at + room] for at in range(0, len(picture), room)]
    last = len(parts) - 1
    return [bytes((2, 0x80 | parity | (number == last) << 1)) + part for number, part in enumerate(parts)]
