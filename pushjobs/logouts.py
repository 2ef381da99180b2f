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


def tell(*, request: Any, **_: Any) -> None:
    """Tell of the end of a request's session; does not wait, and never fails."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    alone = not loop.is_bound() and (settings.EAGER or stands_in())
    if key is not None and not alone:  # Who is alone serves no connections.
        asyncio.run_coroutine_threadsafe(_tell(digest(key)), loop.current())


async def _tell(session: str) -> None:
    try:
        await Doorbell().tell_logout(session)
    except Exception as error:
        logger.warning("a logout could not be told, and is found later: %s", error)


user_logged_out.connect(tell)
