"""Frames survive any cutting of the stream, and refuse what is no frame."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.execution.worker import frames


@given(st.lists(st.lists(st.binary(max_size=40), max_size=3), max_size=4), st.integers(1, 50))
def test_frames_arrive_whole_however_the_stream_is_cut(messages: list[list[bytes]], size: int) -> None:
    stream = b"".join(frames.encode({"op": "x", "n": number}, buffers) for number, buffers in enumerate(messages))
    decoder, seen = frames.Decoder(), []
    for at in range(0, len(stream), size):
        decoder.feed(stream[at : at + size])
        while (frame := decoder.next()) is not None:
            seen.append(frame)
    assert [frame.buffers for frame in seen] == messages
    assert [frame.header["n"] for frame in seen] == list(range(len(messages)))
    assert b"".join(frame.raw for frame in seen) == stream


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<I", 1 << 31),
        struct.pack("<I", 3) + b"{x}",
        struct.pack("<I", 2) + b"[]",
        struct.pack("<I", 16) + b'{"buffers":[-4]}',
        struct.pack("<I", 15) + b'{"buffers":"a"}',
        struct.pack("<I", 26) + b'{"buffers":[999999999999]} ',
    ],
)
def test_rubbish_is_refused(data: bytes) -> None:
    decoder = frames.Decoder()
    decoder.feed(data)
    with pytest.raises(frames.Malformed):
        decoder.next()
