"""Rings the product's doorbell with events that are ready: ``bellringer FILE``.

The file is that of ``running``. For each line of standard input, a count, each job's channel is
rung for so many chunks of output; no attempt, publisher or log is on their way.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import django

django.setup()

from benchmarks.generator import payload  # noqa: E402
from benchmarks.product.direct import NoLog  # noqa: E402
from pushjobs.events import Entry, Event, EventType, Record  # noqa: E402
from pushjobs.layer import Doorbell  # noqa: E402

_PLACE = "{text}"


class Channel:
    """One job's channel, and the bytes around the text of its events."""

    def __init__(self, job: str) -> None:
        self.name = f"job:{job}"
        self._job = job
        data = {"stream": "output", "chunk": _PLACE}
        event = Event(EventType.OUTPUT, job, "bench.followed", 1, datetime.now(UTC), data)
        self._before, _, self._after = event.body().partition(_PLACE.encode())

    def record(self, text: bytes) -> Record:
        body = self._before + text + self._after
        return Record(self.name, EventType.OUTPUT, self._job, 1, 0, 1, body)


async def main(channels: Sequence[Channel]) -> None:
    log, bell, loop = NoLog(), Doorbell(), asyncio.get_running_loop()
    print("ready", flush=True)  # noqa: T201
    number = 0
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        rings: defaultdict[str, list[Entry]] = defaultdict(list)
        for _ in range(int(line)):
            number += 1
            text = payload.text(number).encode()
            for channel in channels:
                rings[channel.name].append(Entry(channel.record(text), log.following(channel.name)))
        await bell.ring(rings)


if __name__ == "__main__":
    jobs = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(main([Channel(job) for job, _ in jobs]))
