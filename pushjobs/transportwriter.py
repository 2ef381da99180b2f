"""A writer straight to the transport of a connection, for bytes that are ready for the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence

from pushjobs.latch import Latch

#: Seconds that a client which does not read may take for what was written.
_LINGER = 5.0


class TransportWriter:
    """The writer of one response or socket; its protocol says what becomes of the connection.

    ``write`` is the transport's own, and all that a broadcast touches of a connection: what it does
    not touch need not be in the CPU's cache, for each client and event.
    """

    __slots__ = ("_abort", "_writable", "frame", "framing", "on_stop", "paused", "write")

    def __init__(
        self,
        transport: asyncio.Transport,
        write: Callable[[bytes], None],
        framing: Hashable,
        frame: Callable[[Sequence[bytes]], bytes],
        *,
        paused: bool,
    ) -> None:
        self._abort = transport.abort
        self.write = write
        self.framing = framing
        self.frame = frame
        self.paused = paused
        self.on_stop: Callable[[], None] | None = None
        #: Made for the first who waits: most connections never pause.
        self._writable: Latch | None = None

    @property
    def outlet(self) -> Callable[[bytes], None]:
        return self.write

    @staticmethod
    def broadcast(
        outlets: Sequence[Callable[[bytes], None]], framed: bytes
    ) -> list[Callable[[bytes], None]]:
        failed = []
        for write in outlets:
            try:
                write(framed)
            except Exception:
                failed.append(write)
        return failed

    async def drain(self) -> None:
        """Wait until it is not paused, or has ended."""
        while self.paused:
            if self._writable is None:
                self._writable = Latch()
            await self._writable.wait()

    def pause(self) -> None:
        self.paused = True
        if self._writable is not None:
            self._writable.clear()
        self._stop()

    def resume(self) -> None:
        self.paused = False
        if self._writable is not None:
            self._writable.set()

    def end(self) -> None:
        """What is written from now on is dropped."""
        self.write = _drop
        self.resume()
        self._stop()

    def hang_up(self) -> None:
        if self.paused:  # A closed transport waits for its client, for ever if need be.
            asyncio.get_running_loop().call_later(_LINGER, self._abort)

    def _stop(self) -> None:
        if self.on_stop is not None:
            self.on_stop()


def _drop(_: bytes) -> None:
    pass
