"""What httpx and websockets raise, as what a flow knows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from httpx_sse import ServerSentEvent
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    WebSocketException,
)

from pushjobs.client.backoff import LONGEST_ASKED, retry_after
from pushjobs.client.steps import Broken, Message, Silent, SocketClosed


class Redirected(InvalidHandshake):
    """A handshake was to be sent to another place."""


@contextmanager
def over_http() -> Iterator[None]:
    try:
        yield
    except httpx.ReadTimeout as error:
        raise Silent("the server is silent") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise Broken(f"{type(error).__name__}: {error}".rstrip(": ")) from error


@contextmanager
def over_socket() -> Iterator[None]:
    try:
        yield
    except ConnectionClosed as closed:
        code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
        raise SocketClosed(code, reason) from closed
    except TimeoutError as error:
        raise Silent("the server is silent") from error
    except Redirected as error:
        raise Broken(str(error), leave=True) from error
    except InvalidStatus as error:
        # Whether the channel may be followed is for another transport to learn: a handshake that
        # is refused is often a proxy's doing, or that of a server which knows no other answer.
        status, headers = error.response.status_code, error.response.headers
        after = retry_after(headers.get("Retry-After"), time.time())
        raise Broken(f"no socket: {status}", after=after, leave=status < 500) from error
    except (OSError, WebSocketException) as error:
        raise Broken(f"{type(error).__name__}: {error}".rstrip(": ")) from error


def message_of(block: ServerSentEvent) -> Message:
    retry = block.retry
    asked = None if retry is None or retry < 0 else min(retry, int(LONGEST_ASKED * 1000))
    return Message(block.id, block.data, asked)
