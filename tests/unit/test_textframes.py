"""Frames of a server: what a strict client reads from them is what was framed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from pushjobs.textframes import compressed_frames, text_frames

#: On both sides of each form that a length may have (RFC 6455, section 5.2).
SIZES = (0, 1, 125, 126, 127, 128, 65_535, 65_536, 200_000)
TEXTS = st.lists(st.text(max_size=300).map(str.encode), max_size=5)


def parsed(data: bytes, *extensions: PerMessageDeflate) -> list[Frame]:
    """The frames in ``data``, read as a client does, which refuses a mask."""
    reader = StreamReader()
    reader.feed_data(data)
    found = []
    while len(reader.buffer):
        step = Frame.parse(reader.read_exact, mask=False, extensions=extensions)
        try:
            next(step)
        except StopIteration as end:
            found.append(end.value)
        else:
            raise AssertionError("a frame is cut off")
    return found


def deflate(bits: int) -> PerMessageDeflate:
    """The client's side."""
    return PerMessageDeflate(True, True, bits, 15)


def compressed(payloads: Sequence[bytes]) -> bytes:
    return compressed_frames(payloads, bits=12)


@pytest.mark.parametrize("frames", [text_frames, compressed])
@pytest.mark.parametrize("size", SIZES)
def test_each_payload_is_one_whole_text_message_of_any_length(
    frames: Callable[[Sequence[bytes]], bytes], size: int
) -> None:
    payloads = [b"a" * size, b"b" * size]
    found = parsed(frames(payloads), deflate(12))
    assert [bytes(frame.data) for frame in found] == payloads
    assert {(frame.opcode, frame.fin) for frame in found} == {(Opcode.TEXT, True)}


@given(TEXTS, st.integers(9, 15))
def test_what_is_compressed_is_read_by_who_has_the_window(payloads: list[bytes], bits: int) -> None:
    data = compressed_frames(payloads, bits=bits)
    assert [bytes(frame.data) for frame in parsed(data, deflate(bits))] == payloads
    assert len(data) <= len(text_frames(payloads))


def test_a_message_is_compressed_only_where_that_makes_it_smaller() -> None:
    repeated, random = b"progress " * 50, bytes(range(0x20, 0x7F)) * 2
    assert len(compressed([repeated])) < len(repeated) / 4
    assert compressed([b"short"]) == text_frames([b"short"])
    noise = random[:190]
    assert len(compressed([noise])) <= len(text_frames([noise]))


def test_no_message_needs_the_one_before_it() -> None:
    one, two = b"one " * 100, b"two " * 100
    assert compressed([one, two]) == compressed([one]) + compressed([two])
