"""The generator's process: does what lines of JSON on its standard input ask for, one at a time.

Each answer is a line of JSON: the figures, or ``{"lost": "what"}``. It ends with its input.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.bench import raise_file_limit
from benchmarks.generator.crowd import Crowd, Follow
from benchmarks.generator.loss import Lost

_WARM_UP = 3  # events


class Generator:
    """A crowd, and the publisher whose events it gets."""

    def __init__(self) -> None:
        self._crowd: Crowd | None = None
        self._kept: list[Crowd] = []
        self._publisher: asyncio.subprocess.Process | None = None

    async def crowd(
        self, port: int, transport: str, ready: str, follows: str, *, keep: bool = False
    ) -> dict[str, Any]:
        """Begin with a crowd of no clients; ``follows`` is a file."""
        if self._crowd is not None:
            if keep:
                self._kept.append(self._crowd)
            else:
                self._crowd.shrink()
        self._crowd = Crowd(port, transport, ready, _read(follows))
        return {}

    async def publisher(
        self, command: list[str], environment: dict[str, str], cwd: str
    ) -> dict[str, Any]:
        """Start the publisher; it says when it can publish."""
        self._publisher = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **environment},
        )
        assert self._publisher.stdout is not None
        if not await self._publisher.stdout.readline():
            raise Lost("the publisher did not start")
        return {}

    async def grow(self, size: int, step: int = 100) -> dict[str, Any]:
        """Have so many clients."""
        assert self._crowd is not None
        gc.collect()
        gc.freeze()
        return {"seconds": await self._crowd.grow(size, step)}

    async def shrink(self, *, resume: bool = False) -> dict[str, Any]:
        """Have no clients; with ``resume`` those that come back bring their cursors."""
        assert self._crowd is not None
        self._crowd.shrink(resume=resume)
        return {}

    async def warm_up(self) -> dict[str, Any]:
        """Publish some events, and forget them."""
        assert self._crowd is not None
        for _ in range(_WARM_UP):
            await self._publish(1)
        self._crowd.verify()
        self._crowd.reset()
        return {}

    async def closed(self, seconds: float, window: int) -> dict[str, Any]:
        """Publish ``window`` events on each channel whenever all clients have the last ones."""
        assert self._crowd is not None
        events, started = 0, time.monotonic()
        while True:
            await self._publish(window)
            events += window
            passed = time.monotonic() - started
            if passed >= seconds:
                break
        self._crowd.verify()
        return {"seconds": passed, "events": events, "deliveries": events * len(self._crowd)}

    async def open(self, seconds: float, rate: float) -> dict[str, Any]:
        """Publish at so many events a second, whatever the clients have; latencies in seconds."""
        crowd = self._crowd
        assert crowd is not None
        crowd.timing, crowd.latencies, crowd.slowest = True, [], {}
        count, started = max(10, int(seconds * rate)), time.monotonic()
        waiter = crowd.expect(count)
        for number in range(count):
            await asyncio.sleep(started + number / rate - time.monotonic())
            self._say(1)
        crowd.moved = time.monotonic()
        await crowd.all_of(waiter)
        passed = time.monotonic() - started
        crowd.timing = False
        crowd.verify()
        return {
            "seconds": passed,
            "events": count,
            "deliveries": len(crowd.latencies),
            **_quantiles("each", crowd.latencies),
            **_quantiles("last", list(crowd.slowest.values())),
        }

    async def _publish(self, window: int) -> None:
        assert self._crowd is not None
        waiter = self._crowd.expect(window)
        self._crowd.moved = time.monotonic()
        self._say(window)
        await self._crowd.all_of(waiter)

    def _say(self, count: int) -> None:
        assert self._publisher is not None
        assert self._publisher.stdin is not None
        if self._publisher.returncode is not None:
            raise Lost("the publisher has ended")
        self._publisher.stdin.write(b"%d\n" % count)

    async def end(self) -> None:
        if self._publisher is not None and self._publisher.returncode is None:
            self._publisher.terminate()
            await self._publisher.wait()


def _read(path: str) -> list[Follow]:
    return list(json.loads(Path(path).read_text()))


def _quantiles(name: str, seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    at = {part: ordered[min(len(ordered) - 1, int(len(ordered) * part / 100))] for part in (50, 99)}
    return {f"{name}_p{part}": value for part, value in at.items()}


async def _main() -> None:
    loop = asyncio.get_running_loop()
    generator = Generator()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        asked = json.loads(line)
        try:
            answer = await getattr(generator, asked.pop("do"))(**asked)
        except Lost as lost:
            answer = {"lost": str(lost)}
        print(json.dumps(answer), flush=True)  # noqa: T201
    await generator.end()


if __name__ == "__main__":
    raise_file_limit()
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main())
