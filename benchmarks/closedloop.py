"""A load of HTTP requests in a closed loop: each connection asks again once it has its answer.

Raw protocols on one event loop, so that the load costs a small part of what the server does. Only
answers with ``Content-Length``, or without a body, are understood: others end the run.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from typing import cast

import uvloop

from benchmarks.process import Failed
from project.stack.ports import LOOPBACK

_BODILESS = frozenset({204, 304})


@dataclass(slots=True)
class Answers:
    """What came back while it was measured."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    server_cpu: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.total / self.seconds

    @property
    def cpu(self) -> float:
        """Microseconds of the server's processor time for each answer."""
        return 1e6 * self.server_cpu / max(1, self.total)

    def quantile(self, part: float) -> float:
        """Milliseconds within which that part of the answers came."""
        ordered = sorted(self.latencies)
        return 1e3 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def request(
    method: str, path: str, body: bytes | None = None, headers: Sequence[str] = ()
) -> bytes:
    """The bytes of a request on a connection that is kept."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {LOOPBACK}", "Accept: */*", *headers]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Sequence[bytes], offset: int, run: _Run) -> None:
        self._requests = cycle([*requests[offset:], *requests[:offset]])
        self._run = run
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        held = self._held + data
        end = held.find(b"\r\n\r\n")
        if end < 0:
            self._held = held
            return
        status = int(held[9:12])
        length = 0 if status in _BODILESS else _content_length(held[:end])
        if len(held) < end + 4 + length:
            self._held = held
            return
        self._held = b""
        if len(held) > end + 4 + length:
            self._run.fail(ValueError("an answer is longer than it says"))
            return
        self._run.answered(status, time.perf_counter() - self._asked)
        if self._run.running:
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self._run.running:
            self._run.fail(error or ConnectionError("the server closed a connection"))

    def close(self) -> None:
        self._transport.close()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))


class _Run:
    """All connections of one run."""

    def __init__(self) -> None:
        self.running = True
        self.answers: Answers | None = None
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, status: int, latency: float) -> None:
        if self.answers is not None:
            self.answers.statuses[status] += 1
            self.answers.latencies.append(latency)

    def fail(self, error: Exception) -> None:
        self.running = False
        if not self.failed.done():
            self.failed.set_exception(error)


async def _drive(
    ports: Sequence[int],
    requests: Sequence[bytes],
    connections: int,
    warm_up: float,
    seconds: float,
    cpu: Callable[[], float],
) -> Answers:
    loop = asyncio.get_running_loop()
    run = _Run()
    clients: list[_Client] = []
    try:
        for number in range(connections):
            offset = number * len(requests) // connections
            _, client = await loop.create_connection(
                partial(_Client, requests, offset, run),
                LOOPBACK,
                ports[number % len(ports)],
            )
            clients.append(client)
        await asyncio.wait([run.failed], timeout=warm_up)
        answers = Answers()
        began, spent = time.perf_counter(), cpu()
        run.answers = answers
        await asyncio.wait([run.failed], timeout=seconds)
        run.answers = None
        answers.seconds, answers.server_cpu = time.perf_counter() - began, cpu() - spent
        if run.failed.done():
            run.failed.result()
        return answers
    finally:
        run.running = False
        for client in clients:
            client.close()
        run.failed.cancel()


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError(f"an answer without Content-Length: {head!r}")


def closed_loop(
    ports: Sequence[int],
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    cpu: Callable[[], float],
    expected: int,
    warm_up: float,
) -> Answers:
    """Send ``requests`` over and over on so many connections, and count for ``seconds``.

    The connections are spread over ``ports``. ``cpu`` tells how many seconds of processor time the
    servers have used. Raises ``Failed`` if an answer is not whole, or none, or has another status
    than ``expected``.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            answers = runner.run(_drive(ports, requests, connections, warm_up, seconds, cpu))
        except (OSError, ValueError) as error:
            raise Failed(f"a request had no answer: {error}") from error
    if set(answers.statuses) != {expected}:
        found = dict(answers.statuses)
        raise Failed(f"answers by status, where all are to be {expected}: {found}")
    return answers
