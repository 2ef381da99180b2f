"""The hub alone: the product's ASGI application, whose hub is rung in its own process.

``POST /publish`` takes lines ``<channel> <text>``, with a channel's number; no log and no layer is
on the way of an event. What a workload compares this with shows what those two cost.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from project.asgi import application as product
from pushjobs.cursor import Position
from pushjobs.events import Entry, Event, EventType, Record
from pushjobs.hub import get_hub


@lru_cache
def _jobs() -> list[str]:
    """The jobs by their numbers; made only after the server has started."""
    return [job for job, _ in json.loads(Path(os.environ["JOBS"]).read_text())]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """All of the product, and ``/publish``."""
    if scope["type"] != "http" or scope["path"] != "/publish":
        await product(scope, receive, send)
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await _ring(body)
    headers = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _ring(body: bytes) -> None:
    texts: defaultdict[int, list[str]] = defaultdict(list)
    for line in body.decode().splitlines():
        place, _, text = line.partition(" ")
        texts[int(place)].append(text)
    hub, jobs = get_hub(), _jobs()
    for number, own in texts.items():
        job = jobs[number]
        channel = f"job:{job}"
        feed = await hub.open(channel)
        entries, position = [], feed.position
        for text in own:
            data = {"stream": "output", "chunk": text}
            event = Event(EventType.OUTPUT, job, "bench.followed", 1, datetime.now(UTC), data)
            position = Position(position.epoch, position.offset + 1)
            entries.append(Entry(Record.of(event, channel, event.body()), position))
        hub.ring(channel, entries)
        hub.release(feed)
