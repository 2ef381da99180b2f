"""The product with ``GET /counts``: what its process holds that could be left over."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

from project.asgi import application as product
from pushjobs.hub import get_hub
from pushjobs.transports.connections import connections


async def application(scope: Any, receive: Any, send: Any) -> None:
    """All of the product, and ``/counts``."""
    if scope["type"] != "http" or scope["path"] != "/counts":
        await product(scope, receive, send)
        return
    gc.collect()
    counts = {
        "tasks": len(asyncio.all_tasks()),
        "connections": len(connections),
        "feeds": get_hub().feeds,
    }
    body = json.dumps(counts).encode()
    headers = [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
