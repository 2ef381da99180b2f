"""An ASGI scope as a request: headers, query, caller, and answers that are no stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property, partial
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from channels.db import database_sync_to_async
from channels.security.websocket import OriginValidator
from corsheaders.middleware import CorsMiddleware
from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, parse_cookie

from pushjobs import access, logins, preferences, tokens
from pushjobs.access import Caller
from pushjobs.conf import settings
from pushjobs.exceptions import BadRequest, LogUnavailable, PushjobsError
from pushjobs.logins import Login
from pushjobs.outage import DATABASE_OUTAGE
from pushjobs.tokens import Token
from pushjobs.writer import Send

Scope = dict[str, Any]

#: What reading raises while a store is out of reach.
OUTAGE = (LogUnavailable, *DATABASE_OUTAGE)

_CORS_MIDDLEWARE = "corsheaders.middleware.CorsMiddleware"


class StreamRequest:
    """A request for a stream, over HTTP or WebSocket."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.headers = {
            name.decode("latin1").lower(): value.decode("latin1")
            for name, value in scope["headers"]
        }

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The query's fields (WHATWG URL, section 5.1)."""
        text = self.scope.get("query_string", b"").decode("latin1")
        try:
            return parse_qs(text, keep_blank_values=True, max_num_fields=1000)
        except ValueError:
            raise BadRequest("the query has too many fields") from None

    def field(self, name: str) -> str | None:
        """The first value of a field of the query."""
        return next(iter(self.query.get(name, ())), None)

    @property
    def method(self) -> str | None:
        """The method of an HTTP request."""
        return self.scope.get("method")

    @property
    def job_id(self) -> str:
        """The ``<job_id>`` of the route."""
        return str(self.scope["url_route"]["kwargs"]["job_id"])

    @property
    def wait(self) -> float | None:
        """Seconds that ``Prefer: wait`` asks for."""
        return preferences.wait(self.headers.get("prefer", ""))

    @property
    def accepts_json(self) -> bool:
        """Whether the client asks for a page of events and not for a stream."""
        accept = self.headers.get("accept", "")
        return "application/json" in accept and "text/event-stream" not in accept

    async def caller(self, *, query_token: bool = False) -> Caller:
        """Who asks. Tokens in the query count only for reading. Raises ``Unauthorized``."""
        return replace(await self._caller(query_token), address=self._address)

    async def _caller(self, query_token: bool) -> Caller:
        text = tokens.from_headers(self.headers.get)
        if text is not None:
            return await caller_by_token(text)
        if query_token and (texts := self.query.get("token")):
            if len(texts) > settings.MAX_CHANNELS:
                raise BadRequest(f"one request shows at most {settings.MAX_CHANNELS} tokens")
            return await _bearer(tokens.joined([tokens.verify(text) for text in texts]))
        job_id = self.scope.get("url_route", {}).get("kwargs", {}).get("job_id")
        if (own := tokens.from_cookie(self._cookies, job_id)) is not None:
            return Caller(token=own)
        return await self._logged_in()

    @property
    def _cookies(self) -> dict[str, str]:
        return parse_cookie(self.headers.get("cookie", ""))

    @property
    def _address(self) -> str:
        host, *_ = self.scope.get("client") or [""]
        return str(host)

    async def _logged_in(self) -> Caller:
        """The user whom a middleware in front has found, or the one of the session's cookie."""
        caller = Caller()
        if (user := self.scope.get("user")) is not None:
            caller = await _found(user, self.scope.get("session"))
        elif (key := self._cookies.get(django_settings.SESSION_COOKIE_NAME)) is not None:
            caller = await _logged_in(key)
        return caller

    @property
    def origin_allowed(self) -> bool:
        """Whether a page of the request's origin may open a socket with the user's cookies.

        One of this host may, and those that ``CORS_ALLOWED_ORIGINS`` names. A client that is no
        browser sends no origin.
        """
        origin = self.headers.get("origin")
        if origin is None:
            return True
        parts = urlsplit(origin)
        if parts.netloc and parts.netloc == self.headers.get("host"):
            return True
        allowed = getattr(django_settings, "CORS_ALLOWED_ORIGINS", ())
        return bool(parts.netloc) and OriginValidator(None, allowed).valid_origin(parts)

    def cors(self) -> list[tuple[bytes, bytes]]:
        """CORS headers, from the settings of django-cors-headers as for the API.

        A WebSocket has none: there, the ``Origin`` is checked.
        """
        if self.scope["type"] != "http" or _CORS_MIDDLEWARE not in django_settings.MIDDLEWARE:
            return []
        request = ASGIRequest(self.scope, BytesIO())
        middleware = CorsMiddleware(_no_view)
        response = middleware.check_preflight(request) or HttpResponse()
        middleware.add_response_headers(request, response)
        del response.headers["Content-Type"]
        return encoded(response.headers.items())


async def caller_by_token(text: str) -> Caller:
    """Who holds a token; raises ``Unauthorized``."""
    return await _bearer(tokens.verify(text))


async def _bearer(token: Token) -> Caller:
    """As ``access.holder``, which asks the database of users' tokens only."""
    if token.kind == "job":
        return Caller(token=token)
    caller: Caller = await _holder(token)
    return caller


_holder = database_sync_to_async(access.holder, thread_sensitive=False)


@partial(database_sync_to_async, thread_sensitive=False)
def _found(user: Any, session: Any) -> Caller:
    """The user whom a middleware has found: in its session, or in something else beside it."""
    if not user.is_authenticated:
        return Caller()
    its_own = session is not None and session.get(SESSION_KEY) == str(user.pk)
    key = getattr(session, "session_key", None) if its_own else None
    return Caller(user=user, login=Login.of(user, key))


@partial(database_sync_to_async, thread_sensitive=False)
def _logged_in(session: str) -> Caller:
    user = logins.user_of(session)
    return Caller() if user is None else Caller(user=user, login=Login.of(user, session))


def _no_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers]


async def answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> None:
    """Send a whole response."""
    if status != 204:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse_socket(send: Send, request: StreamRequest, error: PushjobsError) -> None:
    """Refuse a WebSocket: with the error's problem document where the server can send one.

    ASGI's WebSocket Denial Response; another server answers 403.
    """
    if "websocket.http.response" not in request.scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return

    async def send_denial(message: Any) -> None:
        await send(message | {"type": f"websocket.{message['type']}"})

    await answer_problem(send_denial, request, error)


async def answer_problem(send: Send, request: StreamRequest, error: PushjobsError) -> None:
    """Send an error's problem document."""
    headers = encoded(error.headers.items())
    headers += [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
    await answer(send, error.status, headers + request.cors(), orjson.dumps(error.problem()))
