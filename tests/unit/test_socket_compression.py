"""``permessage-deflate`` (RFC 7692): what is agreed on, both directions, and a client's bomb."""

from __future__ import annotations

import asyncio
import re
import zlib
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.unit.conftest import Configure
from tests.unit.test_uvicorn_socket import CLOSE, HANDSHAKE, accept, until_gone
from tests.unit.uvicorn_server import raw, serving, writer_of

PAYLOAD = b'{"type":"event","progress":"' + b"step " * 100 + b'"}'
DEFLATED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


async def once(scope: Any, receive: Any, send: Any) -> None:
    """Writes the payload, and closes."""
    await accept(receive, send)
    writer = writer_of(scope)
    writer.write(writer.frame([PAYLOAD]))
    await send(CLOSE)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await accept(receive, send)
    writer = writer_of(scope)
    while (message := await receive())["type"] == "websocket.receive":
        writer.write(writer.frame([message["text"].encode()]))


async def agreed(port: int, offer: str) -> tuple[str | None, bytes]:
    """What the server answers to an offer, and the first octet of the message that follows."""
    header = f"\r\nSec-WebSocket-Extensions: {offer}\r\n\r\n".encode()
    async with raw(port, HANDSHAKE.removesuffix(b"\r\n\r\n") + header) as (reader, _):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        found = re.search(r"(?i)^sec-websocket-extensions: (.*)\r$", head, re.MULTILINE)
        return found and found[1], await reader.readexactly(1)


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", f"{DEFLATED}; server_max_window_bits=12"),
        (
            "permessage-deflate; client_max_window_bits",
            f"{DEFLATED}; server_max_window_bits=12; client_max_window_bits=12",
        ),
        ("permessage-deflate; server_max_window_bits=15", f"{DEFLATED}; server_max_window_bits=12"),
        ("permessage-deflate; server_max_window_bits=10", f"{DEFLATED}; server_max_window_bits=10"),
        # zlib has no window so small; the client's second choice counts.
        ("permessage-deflate; server_max_window_bits=8", None),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            f"{DEFLATED}; server_max_window_bits=12",
        ),
        ("permessage-deflate; unknown", None),
        ("x-webkit-deflate-frame", None),
    ],
)
async def test_no_context_is_kept_and_who_cannot_do_so_gets_no_compression(
    configure: Configure, offer: str, answer: str | None
) -> None:
    configure(SOCKET_COMPRESSION=True)
    async with serving(once) as port:
        found = await agreed(port, offer)
    assert found == (answer, b"\xc1" if answer else b"\x81")


async def test_it_is_off_unless_the_settings_say_so() -> None:
    async with serving(once, ws_per_message_deflate=True) as port:
        assert await agreed(port, "permessage-deflate") == (None, b"\x81")


async def test_one_frame_serves_all_with_the_same_window(configure: Configure) -> None:
    configure(SOCKET_COMPRESSION=True)
    framings = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        framings.append(writer_of(scope).framing)
        await send(CLOSE)

    async with serving(app) as port:
        for offer in ("permessage-deflate", "permessage-deflate; server_max_window_bits=13"):
            await agreed(port, offer)
        await agreed(port, "permessage-deflate; server_max_window_bits=9")
        await agreed(port, "none")
    assert framings == [("deflate", 12), ("deflate", 12), ("deflate", 9), "text"]


@pytest.mark.parametrize("keeps_context", [True, False])
async def test_a_client_is_read_and_reads(configure: Configure, keeps_context: bool) -> None:
    configure(SOCKET_COMPRESSION=True)
    offer = ClientPerMessageDeflateFactory(client_no_context_takeover=not keeps_context)
    texts = [PAYLOAD.decode(), "short", PAYLOAD.decode() * 200, PAYLOAD.decode()]
    async with (
        serving(echo) as port,
        connect(f"ws://127.0.0.1:{port}", proxy=None, extensions=[offer]) as client,
    ):
        for text in texts:
            await client.send(text)
        assert [await client.recv() for _ in texts] == texts


async def test_a_message_that_grows_over_the_limit_is_refused_before_it_has_grown(
    configure: Configure,
) -> None:
    configure(SOCKET_COMPRESSION=True)
    received = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        received.append(await receive())

    async with (
        serving(app, ws_max_size=1000) as port,
        connect(f"ws://127.0.0.1:{port}", proxy=None, compression="deflate") as client,
    ):
        bomb = "0" * 10_000_000
        assert len(zlib.compress(bomb.encode())) < 10_000
        await client.send(bomb)
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1009
    assert [message["type"] for message in received] == ["websocket.disconnect"]


async def test_the_app_may_mix_the_writer_with_send(configure: Configure) -> None:
    configure(SOCKET_COMPRESSION=True)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        writer = writer_of(scope)
        for _ in range(2):
            writer.write(writer.frame([PAYLOAD]))
            await send({"type": "websocket.send", "text": PAYLOAD.decode()})
        await send(CLOSE)
        await until_gone(receive)

    async with serving(app) as port, connect(f"ws://127.0.0.1:{port}", proxy=None) as client:
        assert [await client.recv(decode=False) for _ in range(4)] == [PAYLOAD] * 4
        await asyncio.wait_for(client.wait_closed(), 20)
