"""Submissions, each served in one turn of one thread, with all of the project's middleware.

Under ASGI, Django serves a request on the event loop and goes to a thread, one made for this
request, for each middleware and back. That takes more time than all else that a submission needs.
Here middleware and view run one after the other in a thread that is kept, as under WSGI.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponseBase
from django.urls import set_script_prefix

from pushjobs.api import api
from pushjobs.conf import settings
from pushjobs.transports.request import Scope
from pushjobs.writer import Send

logger = logging.getLogger(__name__)

#: How many are served at a time. Each holds a connection to the database meanwhile.
THREADS = 16


class Submissions(ASGIHandler):
    """The ASGI application at ``jobs``, in front of Django's.

    Whatever else comes to the URL is Django's to answer: another method, a client that waits.
    """

    def __init__(self, django_app: Any) -> None:
        super().__init__()
        self._django_app = django_app
        self._threads = ThreadPoolExecutor(THREADS, "pushjobs-submission")

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        waits = any(name == b"prefer" for name, _ in scope["headers"])
        if scope["method"] != "POST" or waits:
            await self._django_app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def load_middleware(self, is_async: bool = False) -> None:
        """Have the project's middleware as under WSGI, whatever is asked for."""
        super().load_middleware(is_async=False)

    def make_view_atomic(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """The view, or where it is the API's own what stands in for it in a thread.

        A project may have wrapped the API's view in one that refuses some callers.
        """
        found: Callable[..., Any] = super().make_view_atomic(api.turns.get(view, view))
        return found

    async def handle(self, scope: Scope, receive: Any, send: Send) -> None:
        """Answer one request, once all of it is here."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        in_turn = sync_to_async(self._respond, thread_sensitive=False, executor=self._threads)
        with body:
            response = await in_turn(scope, body)
            await self.send_response(response, send)
            if response.streaming:  # A middleware's own.
                await sync_to_async(_close, thread_sensitive=False)(response)

    async def read_body(self, receive: Any) -> IO[bytes]:
        """As Django reads it, but of one that is too large for any submission only a part is kept.

        It is still more than is allowed, so that it is refused.
        """
        left = max(settings.MAX_BODY, settings.MAX_UPLOAD)

        async def bounded() -> Any:
            nonlocal left
            message = await receive()
            if left < 0:
                return message | {"body": b""}
            left -= len(message.get("body", b""))
            return message

        return await super().read_body(bounded)

    def _respond(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__  # noqa: SLF001
        if not response.streaming:
            _close(response)
        return response  # type: ignore[no-any-return]


def _close(response: HttpResponseBase) -> None:
    """End the request, which gives this thread's connection to the database back."""
    try:
        response.close()
    except Exception:  # Of a receiver of request_finished: the answer is as it is.
        logger.exception("a submission that is answered could not be closed")
