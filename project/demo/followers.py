"""Three ways to follow a job from a cursor on, each with a public client, each the same events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import aconnect_sse
from websockets.asyncio.client import connect

from project.demo.service import Service

WEBSOCKET, SSE, POLLING = "WebSocket", "SSE", "polling"
_TERMINAL = ("job.succeeded", "job.failed", "job.cancelled")


class FollowError(Exception):
    """A transport answered with something else than events."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as a client has seen it, with the cursor that it came with."""

    cursor: str | None
    type: str
    data: dict[str, Any]

    @property
    def terminal(self) -> bool:
        return self.type in _TERMINAL


@dataclass(frozen=True, slots=True)
class Client:
    """Follows jobs of one service."""

    service: Service
    http: httpx.AsyncClient

    def follow(
        self, transport: str, job: dict[str, Any], cursor: str
    ) -> AsyncGenerator[Seen, None]:
        """The events of ``job`` after ``cursor`` over a transport, to the job's end."""
        ways = {WEBSOCKET: self._websocket, SSE: self._sse, POLLING: self._polling}
        return ways[transport](job, cursor)

    async def logged(self, job: dict[str, Any]) -> list[Seen]:
        """All events of a job that the log holds."""
        return [event async for event in self._pages(job, "earliest", wait=0)]

    async def _websocket(self, job: dict[str, Any], cursor: str) -> AsyncGenerator[Seen, None]:
        channel = f"job:{job['id']}"
        frame = {"type": "subscribe", "channel": channel, "token": job["token"], "cursor": cursor}
        async with connect(self.service.socket_url(job["links"]["socket"])) as socket:
            await socket.send(json.dumps(frame))
            async for text in socket:
                answer = json.loads(text)
                if answer["type"] == "event":
                    yield _seen(answer["cursor"], answer["event"])
                elif answer["type"] == "error":
                    raise FollowError(f"WebSocket: {answer['detail']}")
                elif answer["type"] == "unsubscribed":
                    return

    async def _sse(self, job: dict[str, Any], cursor: str) -> AsyncGenerator[Seen, None]:
        headers = _bearer(job) | {"Last-Event-ID": cursor}
        url = job["links"]["events"]
        async with aconnect_sse(self.http, "GET", url, headers=headers) as source:
            if source.response.status_code != 200:
                raise FollowError(f"SSE: answered {source.response.status_code}")
            async for event in source.aiter_sse():
                if event.data:  # else it is a comment, or says when to come back
                    yield _seen(event.id, event.json())

    async def _polling(self, job: dict[str, Any], cursor: str) -> AsyncGenerator[Seen, None]:
        async for event in self._pages(job, cursor, wait=5):
            yield event

    async def _pages(
        self, job: dict[str, Any], cursor: str, *, wait: int
    ) -> AsyncGenerator[Seen, None]:
        headers = _bearer(job) | {"Accept": "application/json", "Prefer": f"wait={wait}"}
        while True:
            answer = await self.http.get(
                job["links"]["events"], params={"cursor": cursor}, headers=headers
            )
            if answer.status_code != 200:
                raise FollowError(f"polling: answered {answer.status_code}")
            page = answer.json()
            for item in page["events"]:
                yield _seen(item["cursor"], item["event"])
            if page["ended"] or not (wait or page["more"]):
                return
            cursor = page["cursor"]


def _bearer(job: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {job['token']}"}


def _seen(cursor: str | None, event: dict[str, Any]) -> Seen:
    return Seen(cursor, event["type"], event["data"])
