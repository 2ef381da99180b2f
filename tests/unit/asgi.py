"""One request to the whole ASGI application, as a server would pass it on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler

from pushjobs.routing import application

ECHO = json.dumps({"name": "test.echo", "args": {"value": 1}}).encode()


@dataclass
class Answer:
    """A whole answer; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def connection(
    method: str, path: str, *, query: bytes = b"", app: Any = None, **headers: str
) -> ApplicationCommunicator[Any]:
    """A request whose body has yet to be sent. An underscore in a header's name is a hyphen."""
    named = {"host": "localhost"} | {name.replace("_", "-"): it for name, it in headers.items()}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    return ApplicationCommunicator(app or application(ASGIHandler()), scope)


async def answer_of(client: ApplicationCommunicator[Any]) -> Answer:
    start: Any = await client.receive_output(timeout=20)
    body, more = b"", True
    while more:
        part: Any = await client.receive_output(timeout=20)
        body, more = body + part.get("body", b""), part.get("more_body", False)
    await client.wait(timeout=20)
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, body)


async def ask(method: str, path: str, body: bytes = b"", **options: Any) -> Answer:
    """Send a request whole, and wait for its answer."""
    client = connection(method, path, **options)
    await client.send_input({"type": "http.request", "body": body})
    return await answer_of(client)


async def submit(body: bytes = ECHO, **options: Any) -> Answer:
    """``POST /jobs``, with JSON unless said otherwise."""
    sent = {"content_type": "application/json", "content_length": str(len(body)), **options}
    return await ask("POST", "/jobs", body, **sent)
