"""Text frames of a WebSocket server (RFC 6455, section 5), plain or compressed (RFC 7692).

A server's frames have no mask, and where each message is compressed by itself it is the same for
every client, so a frame is made once for all of them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

#: The first octet of a frame: final, text; and the bit of a compressed message.
_TEXT, _COMPRESSED = 0x81, 0x40
_SHORT, _MEDIUM, _LONG = (struct.Struct(layout) for layout in ("!BB", "!BBH", "!BBQ"))
#: The end of a sync flush, left out on the wire (RFC 7692, section 7.2.1).
_FLUSH_TAIL = b"\x00\x00\xff\xff"
_MEMORY_LEVEL = 8
#: Below this many bytes there is little to save.
_WORTH_COMPRESSING = 128

#: What is agreed with a client that offers compression: no context is kept in either direction,
#: which also spares the memory that a connection would need for it.
PER_MESSAGE_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=12,
    client_max_window_bits=12,
    compress_settings={"memLevel": _MEMORY_LEVEL},
)


def text_frames(payloads: Sequence[bytes]) -> bytes:
    """A frame for each payload of UTF-8."""
    return b"".join([_frame(_TEXT, payload) for payload in payloads])


def compressed_frames(payloads: Sequence[bytes], *, bits: int) -> bytes:
    """A frame for each payload of UTF-8, compressed in a window of ``2**bits`` octets.

    What does not become smaller is sent as it is, as section 6 of RFC 7692 allows.
    """
    return b"".join([_compressed_frame(payload, bits) for payload in payloads])


def _compressed_frame(payload: bytes, bits: int) -> bytes:
    if len(payload) >= _WORTH_COMPRESSING:
        compressor = zlib.compressobj(wbits=-bits, memLevel=_MEMORY_LEVEL)
        data = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
        data = data.removesuffix(_FLUSH_TAIL)
        if len(data) < len(payload):
            return _frame(_TEXT | _COMPRESSED, data)
    return _frame(_TEXT, payload)


def _frame(first: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return _SHORT.pack(first, size) + data
    if size < 1 << 16:
        return _MEDIUM.pack(first, 126, size) + data
    return _LONG.pack(first, 127, size) + data
