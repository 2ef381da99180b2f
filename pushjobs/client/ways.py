"""Each transport, as one connection's flow.

It tells events, and returns when it has ended in order: the seconds after which the server wants
the client back. It raises ``Broken`` where it has not, and ``Refused`` where there is no use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from pushjobs.client import verdicts
from pushjobs.client.follower import Follower, cursor_of
from pushjobs.client.ladder import Transport
from pushjobs.client.steps import (
    Broken,
    Call,
    Flow,
    Message,
    NextFrame,
    NextMessage,
    OpenSocket,
    OpenStream,
    Pause,
    SendFrame,
    SocketClosed,
)
from pushjobs.client.verdicts import Verdict

STREAM, PAGE = "text/event-stream", "application/json"
#: Seconds between two pages of who asks without a wait: at first, and at most.
POLL_FIRST, POLL_LONGEST = 1.0, 10.0
#: Seconds; who would be silent for longer is no server of this protocol.
LONGEST_HEARTBEAT = 3600


def websocket(follower: Follower) -> Flow[float]:
    """docs/protocol.md, "WebSocket"."""
    yield OpenSocket(follower.endpoint.socket, follower.within(follower.patience.opening))
    try:
        welcome = yield from _frame(follower.patience.opening, follower)
        heartbeat = welcome.get("heartbeat")
        if (
            welcome.get("type") != "welcome"
            or not isinstance(heartbeat, int | float)
            or not 0 < heartbeat <= LONGEST_HEARTBEAT
        ):
            raise Broken("the socket does not say welcome", leave=True)
        yield from _subscribe(follower)
        while not follower.over:
            frame = yield from _frame(2 * heartbeat + follower.patience.slack, follower)
            if frame.get("channel") == follower.channel:
                yield from _framed(follower, frame)
    except SocketClosed as closed:
        verdict = verdicts.of_close(closed.code)
        status = 401 if verdict is Verdict.REFRESH else 400
        problem = {"type": "about:blank", "title": str(closed), "status": status}
        if verdict is Verdict.RETRY:
            raise
        yield from follower.obey(verdict, problem)
    return 0.0


def _frame(within: float, follower: Follower) -> Flow[Mapping[str, Any]]:
    text: str = yield NextFrame(follower.within(within))
    frame = _json(text)
    if not isinstance(frame, dict):
        raise Broken("a frame is no JSON object", leave=True)
    return frame


def _subscribe(follower: Follower) -> Flow[None]:
    token = yield from follower.token()
    frame = {"type": "subscribe", "channel": follower.channel}
    if token is not None:
        frame["token"] = token
    if follower.cursor is not None:
        frame["cursor"] = follower.cursor
    yield SendFrame(json.dumps(frame))


def _framed(follower: Follower, frame: Mapping[str, Any]) -> Flow[None]:
    """Take a frame about the channel."""
    match frame:
        case {"type": "event"}:
            yield from follower.tell(frame.get("event"), frame.get("cursor"))
        case {"type": "subscribed"}:
            follower.heard()
            follower.cursor = cursor_of(frame.get("cursor")) or follower.cursor
        case {"type": "unsubscribed"}:
            follower.over = True
        case {"type": "error"}:
            problem = verdicts.problem_of_frame(
                str(frame.get("code")), str(frame.get("detail") or "refused")
            )
            yield from follower.obey(verdicts.of_problem(problem), problem)
            yield from _subscribe(follower)


def sse(follower: Follower) -> Flow[float]:
    """docs/protocol.md, "Server-Sent Events"."""
    url, params = _events(follower)
    headers = (yield from _headers(follower, STREAM)) | {"Cache-Control": "no-store"}
    patience = follower.patience
    opening = follower.within(patience.opening)
    silence = follower.within(patience.silence)
    answer: httpx.Response = yield OpenStream(url, params, headers, opening, silence)
    if verdicts.of_answer(answer, STREAM) is not Verdict.FOLLOW:
        yield from follower.refused(answer, STREAM)
        return 0.0
    retry: float | None = None
    told = False
    while not follower.over:
        message: Message | None = yield NextMessage()
        follower.within(1)
        if message is None:
            break
        follower.opened()
        retry = retry if message.retry is None else message.retry / 1000
        moved = bool(message.id) and message.id != follower.cursor
        if message.data:
            yield from follower.tell(_json(message.data), message.id if moved else None)
            told = True
        elif moved:
            follower.heard()
            follower.cursor = message.id
            told = True
    if not (told or follower.over):  # Events cannot be read now, or the server comes and goes.
        raise Broken("the stream ended before it told anything", after=retry)
    return 1.0 if retry is None else retry


def long_polling(follower: Follower) -> Flow[float]:
    """docs/protocol.md, "Pages of events": each waits for the next event."""
    return (yield from _pages(follower, follower.patience.wait))


def polling(follower: Follower) -> Flow[float]:
    """Pages again, for who is cut off while waiting."""
    return (yield from _pages(follower, 0))


def _pages(follower: Follower, wait: float) -> Flow[float]:
    pause = POLL_FIRST
    while not (follower.over or follower.ladder.climb_due):
        asked = follower.now()
        seconds = int(follower.within(wait))
        answer = yield from _page(follower, seconds)
        if verdicts.of_answer(answer, PAGE) is not Verdict.FOLLOW:
            yield from follower.refused(answer, PAGE)
            continue
        page = _json(answer.text)
        then = yield from take_page(follower, page)
        if then == "wait" and (not seconds or follower.now() - asked < POLL_FIRST):
            pause = min(POLL_LONGEST, pause * 1.5) if not page["events"] else POLL_FIRST
            yield Pause(follower.within(pause))
    return 0.0


def _page(follower: Follower, seconds: int) -> Flow[httpx.Response]:
    url, params = _events(follower)
    headers = yield from _headers(follower, PAGE)
    if seconds:
        headers["Prefer"] = f"wait={seconds}"
    timeout = follower.within(seconds + follower.patience.slack)
    reading = follower.within(follower.patience.reading)
    answer: httpx.Response = yield Call("GET", url, timeout, reading, params, headers)
    if seconds and answer.status_code in (502, 504):
        raise Broken("something on the way does not wait", leave=True)
    return answer


def take_page(follower: Follower, page: Any) -> Flow[str]:
    """Tell a page's events; returns ``again`` (at once), ``wait`` or ``over``."""
    try:
        items = [(item["event"], item["cursor"]) for item in page["events"]]
        cursor, more, ended = cursor_of(page["cursor"]), bool(page["more"]), bool(page["ended"])
    except (LookupError, TypeError) as error:
        raise Broken("what came is no page of events", leave=True) from error
    follower.heard()
    for body, place in items:
        yield from follower.tell(body, place)
    follower.cursor = cursor or follower.cursor
    follower.over = follower.over or ended
    if follower.over:
        return "over"
    return "again" if more and items else "wait"


def _events(follower: Follower) -> tuple[str, dict[str, str]]:
    url, params = follower.endpoint.events(follower.channel)
    if follower.cursor is not None:
        params["cursor"] = follower.cursor
    return url, params


def _headers(follower: Follower, media_type: str) -> Flow[dict[str, str]]:
    token = yield from follower.token()
    headers = {"Accept": media_type}
    return headers if token is None else headers | bearer(token)


def bearer(token: str) -> dict[str, str]:
    """A header of its own, so that a proxy or the application may have the other."""
    return {"X-Job-Authorization": f"Bearer {token}"}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Broken("what came is no JSON", leave=True) from error


WAYS: Mapping[Transport, Callable[[Follower], Flow[float]]] = {
    Transport.WEBSOCKET: websocket,
    Transport.SSE: sse,
    Transport.LONG_POLLING: long_polling,
    Transport.POLLING: polling,
}
