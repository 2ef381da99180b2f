"""Health: ``path("health/", include("pushjobs.health"))`` adds ``live`` and ``ready`` for probes.

``live`` answers 200 while the process serves, and touches nothing: restart a process for whom it
does not. ``ready`` says whether to send it requests:

========  =============  =====================================================================
status    ``"status"``   when
========  =============  =====================================================================
200       ``ready``      every store answers
200       ``degraded``   the layer, the log or the broker does not: jobs are accepted, kept and
                         polled all the same, and no other web process would fare better
503       ``not-ready``  the database does not answer: nothing can be accepted
503       ``draining``   the process is about to stop
========  =============  =====================================================================

An answer comes within ``HEALTH_TIMEOUT`` seconds and a moment, and is kept for a second. It says
of an error only its kind; the log of the process says the rest. No one need log in.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from pushjobs.conf import settings
from pushjobs.probes import Probe, probes
from pushjobs.responses import json_response
from pushjobs.transactions import own_transactions
from pushjobs.transports.connections import connections

logger = logging.getLogger(__name__)

_KEPT = 1.0

Checks = Mapping[str, Mapping[str, Any]]


class Health:
    """Asks all stores side by side, on one event loop, at most once a second."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = probes
        self._round: asyncio.Task[Checks] | None = None
        self._ended = -math.inf
        self._well = dict.fromkeys(probes, True)
        self._late: set[asyncio.Task[None]] = set()

    async def checks(self) -> Checks:
        """``{"ok": true}`` for each store that answers, else ``ok`` false and ``detail``."""
        if self._round is None or (self._round.done() and time.monotonic() - self._ended >= _KEPT):
            self._round = asyncio.create_task(self._ask())
        return await asyncio.shield(self._round)

    async def _ask(self) -> Checks:
        tasks = {name: asyncio.create_task(_awaited(ask)) for name, ask in self._probes.items()}
        _, late = await asyncio.wait(tasks.values(), timeout=settings.HEALTH_TIMEOUT)
        for task in late:
            # Not waited for: what it does on its end may take long as well.
            task.cancel()
            self._late.add(task)
            task.add_done_callback(self._forget)
        found = {name: self._judge(name, task) for name, task in tasks.items()}
        self._ended = time.monotonic()
        return found

    def _judge(self, name: str, task: asyncio.Task[None]) -> Mapping[str, Any]:
        error: BaseException | None = None
        if not task.done():
            error = TimeoutError(f"no answer within {settings.HEALTH_TIMEOUT:g} s")
        elif not task.cancelled():
            error = task.exception()
        well = error is None
        if well != self._well[name]:
            self._well[name] = well
            logger.warning("%s answers%s", name, " again" if well else f" not: {error!r}")
        if error is None:
            return {"ok": True}
        late = isinstance(error, TimeoutError)
        return {"ok": False, "detail": "timeout" if late else type(error).__name__}

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # The round has told already that it did not answer.


async def _awaited(ask: Probe) -> None:
    await ask()


def _status(checks: Checks) -> str:
    if connections.draining:
        return "draining"
    if not checks["database"]["ok"]:
        return "not-ready"
    return "ready" if all(check["ok"] for check in checks.values()) else "degraded"


@lru_cache(maxsize=1)
def _health_of(home: asyncio.AbstractEventLoop) -> Health:
    return Health(probes())


def _reset(*, setting: str, **_: object) -> None:
    if setting in ("PUSHJOBS", "CHANNEL_LAYERS"):
        _health_of.cache_clear()


setting_changed.connect(_reset)


def _for_probes(view: Callable[..., Any]) -> Callable[..., Any]:
    """GET and HEAD only, and no transaction per request, which would ask for a connection."""
    return own_transactions(csrf_exempt(require_safe(view)))


@_for_probes
async def live(request: HttpRequest) -> HttpResponse:
    """200 while the process serves."""
    return json_response({"status": "live"})


@_for_probes
async def ready(request: HttpRequest) -> HttpResponse:
    """200 while the process is to be sent requests, else 503; the body says why."""
    checks = await _health_of(asyncio.get_running_loop()).checks()
    status = _status(checks)
    return json_response(
        {"status": status, "checks": checks}, 503 if status in ("not-ready", "draining") else 200
    )


app_name = "pushjobs-health"
urlpatterns = [path("live", live, name="live"), path("ready", ready, name="ready")]
