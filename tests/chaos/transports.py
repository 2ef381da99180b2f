"""One connection on each transport, from its opening to its end, as ``docs/protocol.md`` says.

Each returns when the server has ended it in order, and raises ``Broken`` where it has not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tests.chaos.history import History

#: Seconds of silence after which a client takes its connection for dead: two heartbeats and more.
SILENCE = 6.0
WAIT = 2
_CONNECT = 10.0


class Broken(Exception):
    """The connection is of no use any more: come back later. ``after`` is in seconds."""

    def __init__(self, what: str, after: float | None = None) -> None:
        super().__init__(what)
        self.after = after


class Unreachable(Broken):
    """No one took the connection."""


@dataclass(frozen=True)
class Entrance:
    """A web process as clients reach it."""

    port: int
    http: httpx.AsyncClient

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/jobs/socket"


#: Returns the seconds after which the server wants the client back, where it has said so.
Transport = Callable[[Entrance, Sequence[History]], Coroutine[Any, Any, float | None]]


async def sse(entrance: Entrance, histories: Sequence[History]) -> float | None:
    """One stream of one job."""
    (history,) = histories
    headers = _bearer(history) | {"Accept": "text/event-stream"}
    if history.cursor is not None:
        headers["Last-Event-ID"] = history.cursor
    url = f"{entrance.url}/jobs/{history.job_id}/events"
    retry = None
    try:
        async with entrance.http.stream(
            "GET", url, headers=headers, timeout=httpx.Timeout(SILENCE, connect=_CONNECT)
        ) as response:
            if response.status_code == 204:
                history.told_over = True
                return None
            await _check(response, histories)
            async for block in EventSource(response).aiter_sse():
                retry = block.retry / 1000 if block.retry is not None else retry
                moved = bool(block.id) and block.id != history.cursor
                if block.data:
                    history.take(json.loads(block.data), block.id if moved else None)
    except httpx.TransportError as error:
        raise _broken(error) from error
    return retry


async def pages(entrance: Entrance, histories: Sequence[History]) -> float | None:
    """Page after page of one job's events."""
    (history,) = histories
    headers = _bearer(history) | {"Accept": "application/json", "Prefer": f"wait={WAIT}"}
    url = f"{entrance.url}/jobs/{history.job_id}/events"
    while not history.told_over:
        params = {"cursor": history.cursor} if history.cursor is not None else {}
        page = (await _get(entrance, url, histories, headers, params)).json()
        for item in page["events"]:
            history.take(item["event"], item["cursor"])
        history.cursor = page["cursor"]
        history.told_over = page["ended"]
    return None


async def documents(entrance: Entrance, histories: Sequence[History]) -> float | None:
    """The job's document, again and again, until the job is over."""
    (history,) = histories
    headers = _bearer(history) | {"Prefer": f"wait={WAIT}"}
    url = f"{entrance.url}/jobs/{history.job_id}"
    while not history.over:
        answer = await _get(entrance, url, histories, headers, {})
        if answer.status_code == 200:
            history.learn(answer.json()["status"])
    return None


async def websocket(entrance: Entrance, histories: Sequence[History]) -> float | None:
    """One socket with a channel for each job that is not over."""
    waiting = {history.channel: history for history in histories if not history.told_over}
    try:
        async with connect(
            entrance.socket_url,
            compression=None,
            open_timeout=_CONNECT,
            close_timeout=2,
            ping_interval=None,
            proxy=None,
        ) as socket:
            await _receive(socket)
            for history in waiting.values():
                frame = {"type": "subscribe", "channel": history.channel}
                frame |= {"token": history.job["token"], "cursor": history.cursor}
                await socket.send(json.dumps(frame))
            while waiting:
                _take_frame(await _receive(socket), waiting)
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd is not None else 1006
        if 3500 <= code < 4000:
            _complain(histories, f"closed with {code}")
        if code != 3001:
            raise Broken(f"closed with {code}") from closed
    except InvalidStatus as error:
        raise Broken(f"the handshake got {error.response.status_code}") from error
    except ConnectionRefusedError as error:
        raise Unreachable(repr(error)) from error
    except (OSError, TimeoutError, EOFError, WebSocketException) as error:
        raise Broken(repr(error)) from error
    return None


async def _receive(socket: ClientConnection) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), SILENCE))
    return frame


def _take_frame(frame: dict[str, Any], waiting: dict[str, History]) -> None:
    match frame["type"]:
        case "event":
            waiting[frame["channel"]].take(frame["event"], frame["cursor"])
        case "unsubscribed":
            waiting.pop(frame["channel"]).told_over = True
        case "error" if frame["code"] in ("stream_unavailable", "internal_error"):
            raise Broken(f"the error {frame['code']}")
        case "error":
            _complain(waiting.values(), f"the error {frame}")
            raise Broken(f"the error {frame['code']}")


async def _get(
    entrance: Entrance,
    url: str,
    histories: Sequence[History],
    headers: dict[str, str],
    params: dict[str, str],
) -> httpx.Response:
    try:
        answer = await entrance.http.get(
            url, headers=headers, params=params, timeout=httpx.Timeout(SILENCE, connect=_CONNECT)
        )
        await _check(answer, histories)
    except httpx.TransportError as error:
        raise _broken(error) from error
    return answer


async def _check(response: httpx.Response, histories: Sequence[History]) -> None:
    if response.status_code in (200, 202):
        return
    after = response.headers.get("Retry-After")
    if response.status_code < 500 and response.status_code != 429:
        await response.aread()
        _complain(histories, f"{response.status_code} {response.text[:200]}")
    raise Broken(f"the answer {response.status_code}", float(after) if after else None)


def _complain(histories: Any, what: str) -> None:
    for history in histories:
        history.complaints.append(what)


def _broken(error: httpx.TransportError) -> Broken:
    kind = Unreachable if isinstance(error, httpx.ConnectError) else Broken
    return kind(f"{type(error).__name__}: {error}")


def _bearer(history: History) -> dict[str, str]:
    return {"Authorization": f"Bearer {history.job['token']}"}


#: Those that bring events; ``documents`` tells only what a job is like now.
STREAMS: dict[str, Transport] = {"websocket": websocket, "sse": sse, "pages": pages}
TRANSPORTS: dict[str, Transport] = STREAMS | {"documents": documents}
