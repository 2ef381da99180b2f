"""What a client does to the world, as values.

The client's logic is generators, *flows*, that do nothing themselves: they yield a step, and are
sent what came of it, or have it thrown into them. What does the steps is a driver: one blocks, one
awaits. An ``Event`` is yielded for the caller, and nothing is sent for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pushjobs.client.documents import Event

#: A token, or what gets one.
BlockingTokenSource = str | Callable[[], str]
TokenSource = BlockingTokenSource | Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Call:
    """A request and its whole answer, an ``httpx.Response``.

    ``timeout`` is for each silence, in seconds. ``within`` is for reading the answer as a whole,
    from when it begins.
    """

    method: str
    url: str
    timeout: float
    within: float
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    files: Sequence[tuple[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class OpenStream:
    """A request for events. The answer is an ``httpx.Response``, read where it is no stream.

    ``opening`` are the seconds in which the answer has to begin, ``silence`` those that may pass
    without a byte of it afterwards.
    """

    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    opening: float
    silence: float


@dataclass(frozen=True, slots=True)
class NextMessage:
    """The stream's next ``Message``; None at its end."""


@dataclass(frozen=True, slots=True)
class Message:
    """A block of a stream: ``id`` is its last id so far, ``retry`` in milliseconds."""

    id: str
    data: str
    retry: int | None


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Open a WebSocket, within so many seconds."""

    url: str
    opening: float


@dataclass(frozen=True, slots=True)
class SendFrame:
    text: str


@dataclass(frozen=True, slots=True)
class NextFrame:
    """The socket's next frame, a ``str``, if it comes within so many seconds."""

    within: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the stream or socket, if there is one."""


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class AskToken:
    """What the source gives: a ``str``."""

    source: TokenSource


def token_of(given: object) -> str:
    """A token as it is sent, without the line break of the file that it was in.

    Raises ``TypeError`` where it is no text, such as a coroutine, and ``ValueError`` where no
    header can carry it; neither says it.
    """
    if not isinstance(given, str):
        raise TypeError(f"a token is text, not {type(given).__name__}")
    token = given.strip()
    if not (token and token.isascii() and token.isprintable()):
        raise ValueError("a token is one line of ASCII, and not empty")
    return token


Step = (
    Call
    | OpenStream
    | NextMessage
    | OpenSocket
    | SendFrame
    | NextFrame
    | HangUp
    | Pause
    | AskToken
    | Event
)

_T = TypeVar("_T")
Flow = Generator[Step, Any, _T]


class Broken(Exception):
    """A step failed; another try may do.

    ``after``: not before so many seconds. ``leave``: this way leads nowhere, another one may.
    """

    def __init__(self, why: str, *, after: float | None = None, leave: bool = False) -> None:
        super().__init__(why)
        self.after = after
        self.leave = leave


class Silent(Broken):
    """Nothing came within the time."""


class SocketClosed(Broken):
    """The server has closed the socket; ``code`` is 1006 where it just broke off."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the socket was closed with {code} {reason}".rstrip())
        self.code = code
