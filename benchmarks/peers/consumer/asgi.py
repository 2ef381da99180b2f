"""The application: each client's consumer joins its group, and sends what comes to it."""

from __future__ import annotations

import json
from typing import Any

import django
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from benchmarks.bench import raise_file_limit

raise_file_limit()
django.setup()
route: Any = path


class SocketConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """As the chat of the tutorial."""

    async def connect(self) -> None:
        self.group = f"events_{self.scope['url_route']['kwargs']['channel']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def event_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"message": event["message"]}))


class StreamConsumer(AsyncHttpConsumer):  # type: ignore[misc]
    """As the example of Server-Sent Events, with its events from a group."""

    group: str | None = None

    async def http_request(self, message: dict[str, Any]) -> None:
        # The generic one ends the consumer when ``handle`` returns, and hears of no group then.
        await self.handle(message.get("body", b""))

    async def handle(self, body: bytes) -> None:
        self.group = f"events_{self.scope['url_route']['kwargs']['channel']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.send_headers(
            headers=[(b"Cache-Control", b"no-cache"), (b"Content-Type", b"text/event-stream")]
        )
        await self.send_body(b":\n\n", more_body=True)

    async def disconnect(self) -> None:
        if self.group is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def event_message(self, event: dict[str, Any]) -> None:
        data = json.dumps({"message": event["message"]})
        await self.send_body(f"data: {data}\n\n".encode(), more_body=True)


application = ProtocolTypeRouter(
    {
        "http": URLRouter([route("sse/<int:channel>", StreamConsumer.as_asgi())]),
        "websocket": URLRouter([route("websocket/<int:channel>", SocketConsumer.as_asgi())]),
    }
)
