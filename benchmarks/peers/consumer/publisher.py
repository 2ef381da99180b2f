"""Publishes by ``group_send`` from another process, as a worker would: ``publisher CHANNELS``."""

from __future__ import annotations

import asyncio
import sys

import django
from channels.layers import get_channel_layer

from benchmarks.generator import payload

#: Sends under way at a time: more would only wait for the layer's connections.
_TOGETHER = 50


async def main(channels: int) -> None:
    layer = get_channel_layer()
    assert layer is not None
    loop = asyncio.get_running_loop()
    print("ready", flush=True)  # noqa: T201
    number = 0
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        for _ in range(int(line)):
            number += 1
            message = {"type": "event.message", "message": payload.text(number)}
            for start in range(0, channels, _TOGETHER):
                some = range(start, min(start + _TOGETHER, channels))
                await asyncio.gather(
                    *(layer.group_send(f"events_{channel}", message) for channel in some)
                )


if __name__ == "__main__":
    django.setup()
    asyncio.run(main(int(sys.argv[1])))
