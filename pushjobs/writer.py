"""Writers: how bytes get to one client, in the form that its server takes.

Behind any ASGI server a writer drives the server's ``send``. A server that knows this contract
hands over a writer of its own, which takes bytes ready for the network: a chunk of HTTP/1.1, or a
WebSocket frame without a mask, is the same for every client, so that it is made once for all. It
does so by an extension of the scope (ASGI, section "Extensions"): what ``extensions`` has for
``EXTENSION`` is a function that gives the connection's writer; it is called once the response has
started or the socket is accepted.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Hashable,
    Mapping,
    Sequence,
)
from functools import partial
from operator import length_hint
from typing import Any, Protocol

EXTENSION = "pushjobs.writer"

Send = Callable[[Any], Awaitable[None]]


class Writer(Protocol):
    """What an outbox needs of a connection."""

    #: Equal for writers whose ``frame`` makes the same of the same payloads.
    framing: Hashable
    #: Called once it is paused and is to be drained, and when the connection has ended.
    on_stop: Callable[[], None] | None

    @property
    def paused(self) -> bool:
        """Whether the connection takes no more for now; what is written then is kept in memory."""
        ...

    def frame(self, payloads: Sequence[bytes]) -> Any:
        """Payloads in the form that ``write`` takes, for all writers with this ``framing``."""
        ...

    def write(self, framed: Any) -> None:
        """Send what ``frame`` made, after all before it, and never wait; not while paused.

        Does nothing, or raises ``Exception``, once the client has gone.
        """
        ...

    @property
    def outlet(self) -> Any:
        """What ``broadcast`` needs of this connection, until ``on_stop`` is called."""
        ...

    @staticmethod
    def broadcast(outlets: Sequence[Any], framed: Any) -> list[Any]:
        """As ``write``, to many connections of one framing; gives the outlets that have failed."""
        ...

    async def drain(self) -> None:
        """Wait until it is not paused, or the client has gone; raises what the server raises."""
        ...

    def hang_up(self) -> None:
        """No more is written. A client that does not read is cut off soon, where that can be."""
        ...


class EagerSend:
    """A writer over an ASGI server's ``send``.

    ``send`` is called in the writer's own step, without a task switch. Only where it does not
    finish at once, because the client reads too slowly, does ``drain`` go on with it.
    """

    __slots__ = ("_wrap", "framing", "on_stop", "send", "under_way")

    def __init__(
        self, send: Send, wrap: Callable[[Sequence[bytes]], Sequence[Any]], framing: Hashable
    ) -> None:
        self.send = send
        #: Makes the server's messages of payloads.
        self._wrap = wrap
        #: What is left of a write, and what it waits for.
        self.under_way: tuple[Coroutine[Any, Any, None], Any] | None = None
        self.framing = framing
        self.on_stop: Callable[[], None] | None = None

    @property
    def paused(self) -> bool:
        return self.under_way is not None

    def frame(self, payloads: Sequence[bytes]) -> Sequence[Any]:
        return self._wrap(payloads)

    def write(self, framed: Sequence[Any]) -> None:
        if self.broadcast((self,), framed):
            raise ConnectionError("the server has refused a message")

    @property
    def outlet(self) -> EagerSend:
        return self

    @staticmethod
    def broadcast(outlets: Sequence[EagerSend], framed: Sequence[Any]) -> list[EagerSend]:
        # One coroutine awaits all calls of ``send``, at half of what stepping each by hand costs.
        # When a call waits, the coroutine is left with its client and another goes on: they share
        # one iterator, at whose end they are by the time that the first is resumed.
        left = iter(outlets)

        async def send_all() -> None:
            for writer in left:
                send = writer.send
                for message in framed:
                    await send(message)

        failed: list[EagerSend] = []
        while True:
            sending = send_all()
            try:
                waits_for = sending.send(None)
            except StopIteration:
                return failed
            except (Exception, asyncio.CancelledError):
                writer = outlets[-1 - length_hint(left)]
                writer.send = _refuse  # Who tries again must not repeat the messages before.
                failed.append(writer)
            else:
                writer = outlets[-1 - length_hint(left)]
                writer.under_way = sending, waits_for
                if writer.on_stop is not None:
                    writer.on_stop()

    async def drain(self) -> None:
        if self.under_way is None:
            return
        try:
            await _resumed(*self.under_way)
        finally:
            self.under_way = None

    def hang_up(self) -> None:
        pass  # ASGI has no way to.


def writer_of(
    scope: Mapping[str, Any],
    send: Send,
    wrap: Callable[[Sequence[bytes]], Sequence[Any]],
    framing: Hashable,
) -> Writer:
    """The writer that the connection's server gives, or else one over its ``send``."""
    give = (scope.get("extensions") or {}).get(EXTENSION)
    writer: Writer = give() if give is not None else EagerSend(send, wrap, framing)
    return writer


async def _refuse(_: Any) -> None:
    raise ConnectionError("the server has refused a message before")


@types.coroutine
def _resumed(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that was stepped by hand and waits for something."""
    while True:
        try:
            value = yield waits_for
        except BaseException as error:
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, value)
        try:
            waits_for = step()
        except StopIteration:
            return
