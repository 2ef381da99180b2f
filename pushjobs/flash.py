"""What a view said with ``django.contrib.messages`` in a job, until its client has been told.

Messages in the session are there by themselves. Those that go into a cookie would be told again by
each replay of the response: they are taken out of it, kept with the job, and given out once.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage, MessageDecoder, MessageEncoder
from django.http import HttpRequest, HttpResponseBase

from pushjobs import plain
from pushjobs.models import Job


def take_out(request: HttpRequest, response: HttpResponseBase) -> Any:
    """Remove the messages from a response's cookies; returns them as JSON, or None."""
    storage = getattr(request, "_messages", None)
    for each in (storage, *getattr(storage, "storages", ())):
        if isinstance(each, CookieStorage) and each.cookie_name in response.cookies:
            cookie: Any = response.cookies.pop(each.cookie_name)
            messages = each._decode(cookie.value)  # type: ignore[attr-defined]  # noqa: SLF001
            told = [item for item in messages or () if item != each.not_finished]
            return plain.jsonable(json.loads(MessageEncoder().encode(told))) if told else None
    return None


def hand_over(request: HttpRequest, job_id: UUID) -> None:
    """Add a job's messages to those of its client's request, once.

    Call it where the client fetches the job's response. Of several such requests, one has them.
    """
    if not hasattr(request, "_messages"):
        return
    rows = Job.objects.filter(pk=job_id, flash__isnull=False)
    kept = rows.values_list("flash", flat=True).first()
    if kept is None or not rows.update(flash=None):
        return
    storage = get_messages(request)
    for message in json.loads(json.dumps(kept), cls=MessageDecoder):
        storage.add(message.level, message.message, message.extra_tags)  # type: ignore[union-attr]
