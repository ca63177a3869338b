"""Frames: a four-byte little-endian length, a JSON header, then raw buffers whose sizes the header names. Both ends
use this file.

Nothing here trusts the other end: a case runs in the process that writes, and may write rubbish.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any, NamedTuple

HEADER_LIMIT = 64 << 20
FRAME_LIMIT = 1 << 30


class Malformed(Exception):
    """What arrived is not a frame."""


class Frame(NamedTuple):
    """One message: its header, its buffers, and the bytes as they were received (to be relayed)."""

    header: dict[str, Any]
    buffers: list[bytes]
    raw: bytes


def encode(header: dict[str, Any], buffers: list[bytes] | None = None) -> bytes:
    """The bytes of one frame. NaN and infinity in the header use JSON's common extension."""
    if buffers:
        header = dict(header, buffers=[len(buffer) for buffer in buffers])
    text = json.dumps(header, separators=(",", ":"), default=str).encode()
    return b"".join([struct.pack("<I", len(text)), text, *(buffers or [])])


class Decoder:
    """Cuts a stream of bytes, fed in pieces of any size, into frames."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._needed = 4

    def feed(self, data: bytes) -> None:
        """Add bytes that were received."""
        self._data += data

    def next(self) -> Frame | None:
        """The next whole frame, or None where more bytes are needed. Raises Malformed."""
        data = self._data
        if len(data) < self._needed:
            return None
        (length,) = struct.unpack_from("<I", data)
        if length > HEADER_LIMIT:
            raise Malformed(f"a header of {length} bytes")
        if len(data) < 4 + length:
            self._needed = 4 + length
            return None
        try:
            header = json.loads(data[4 : 4 + length])
            sizes = header.get("buffers", [])
            total = 4 + length + sum(sizes)
            sound = all(isinstance(size, int) and size >= 0 for size in sizes)
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            raise Malformed(f"an unreadable header: {error}") from None
        if not sound or total > FRAME_LIMIT:
            raise Malformed(f"buffers of {total} bytes")
        if len(data) < total:
            self._needed = total
            return None
        raw = bytes(data[:total])
        del data[:total]
        self._needed = 4
        buffers, at = [], 4 + length
        for size in sizes:
            buffers.append(raw[at : at + size])
            at += size
        return Frame(header, buffers, raw)


def read(descriptor: int, decoder: Decoder) -> Frame | None:
    """Wait for the next frame of a blocking descriptor; None at its end."""
    while True:
        frame = decoder.next()
        if frame is not None:
            return frame
        data = os.read(descriptor, 1 << 16)
        if not data:
            return None
        decoder.feed(data)


def write(descriptor: int, data: bytes) -> None:
    """Write all of ``data`` to a blocking descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
