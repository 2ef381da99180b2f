"""Writers: how bytes get to one client, in the form that its server takes.

Behind any ASGI server a writer drives the server's ``send``. A server that knows this contract
hands over a writer of its own, which takes bytes ready for the network: a chunk of HTTP/1.1, or a
WebSocket frame without a mask, is the same for every client, so that it is made once for all. It
does so by an extension of the scope (ASGI, section "Extensions"): what ``extensions`` has for
``EXTENSION`` is a function that gives the connection's writer; it is called once the response has
started or the socket is accepted.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Generator, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

EXTENSION = "pushjobs.writer"

Send = Callable[[Any], Awaitable[None]]


class Writer(Protocol):
    """What an outbox needs of a connection."""

    #: Equal for writers whose ``frame`` makes the same of the same payloads.
    framing: Hashable
    #: Whether ``write`` is one function that may be called until ``on_stop`` is: the writer is
    #: paused and is to be drained, or the connection has ended.
    direct: bool
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

        Does nothing, or raises whatever the server raises, once the client has gone.
        """
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

    __slots__ = ("_later", "_send", "_under_way", "_wrap", "framing", "on_stop")

    direct = True

    def __init__(
        self, send: Send, wrap: Callable[[Sequence[bytes]], Sequence[Any]], framing: Hashable
    ) -> None:
        self._send = send
        #: Makes the server's messages of payloads.
        self._wrap = wrap
        #: A call of ``send`` and what it waits for; then the messages that come after it.
        self._under_way: tuple[Generator[Any, Any, None], Any] | None = None
        self._later: Sequence[Any] = ()
        self.framing = framing
        self.on_stop: Callable[[], None] | None = None

    @property
    def paused(self) -> bool:
        return self._under_way is not None

    def frame(self, payloads: Sequence[bytes]) -> Sequence[Any]:
        return self._wrap(payloads)

    def write(self, framed: Sequence[Any]) -> None:
        for place, message in enumerate(framed, start=1):
            coroutine = self._send(message).__await__()
            try:
                waits_for = next(coroutine)
            except StopIteration:
                continue
            except Exception:
                self._send = _refuse  # Who tries again must not repeat the messages before.
                raise
            self._under_way, self._later = (coroutine, waits_for), framed[place:]
            if self.on_stop is not None:
                self.on_stop()
            return

    async def drain(self) -> None:
        if self._under_way is None:
            return
        try:
            await _resumed(*self._under_way)
            for message in self._later:
                await self._send(message)
        finally:
            self._under_way, self._later = None, ()

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
def _resumed(coroutine: Generator[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
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
