"""A logout, told to all processes: what its session has opened is to end.

Django tells of it before the session is gone. So it is a hint where to look, as all that goes
through the Channels layer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from django.contrib.auth import user_logged_out

from pushjobs import loop
from pushjobs.conf import settings
from pushjobs.layer import Doorbell, stands_in
from pushjobs.logins import digest

logger = logging.getLogger(__name__)


def tell(*, request: Any = None, **_: Any) -> None:
    """Tell of the end of a request's session; does not wait, and never fails."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    alone = not loop.is_bound() and (settings.EAGER or stands_in())
    if key is None or alone:  # Who is alone serves no connections.
        return
    try:
        home = loop.current()
        asyncio.run_coroutine_threadsafe(_tell(digest(key)), home)
    except RuntimeError as error:  # The process is about to end; the session is to end before it.
        _note(error)


async def _tell(session: str) -> None:
    try:
        await Doorbell().tell_logout(session)
    except Exception as error:
        _note(error)


def _note(error: Exception) -> None:
    logger.warning("a logout could not be told, and is found later: %r", error)


user_logged_out.connect(tell)
