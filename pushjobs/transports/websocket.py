"""WebSocket (RFC 6455), as raw ASGI: a Channels consumer's dispatch hops to a thread each time."""

from __future__ import annotations

from typing import Any

from pushjobs.exceptions import LimitExceeded, PushjobsError, ServerBusy, Unauthorized
from pushjobs.outage import note_outage
from pushjobs.transports.admission import admission
from pushjobs.transports.request import OUTAGE, Scope, StreamRequest, refuse_socket
from pushjobs.transports.socket import GOING_AWAY, OVER_LIMIT, UNAUTHORIZED, Socket
from pushjobs.writer import Send

_CODES = {Unauthorized: UNAUTHORIZED, LimitExceeded: OVER_LIMIT, ServerBusy: GOING_AWAY}


async def socket(scope: Scope, receive: Any, send: Send) -> None:
    """``/jobs/socket``."""
    connection = await _opened(scope, receive, send)
    del scope  # It is held as long as the connection.
    if connection is not None:
        await connection.serve(receive, send)


async def _opened(scope: Scope, receive: Any, send: Send) -> Socket | None:
    """A connection that is accepted; None where it was refused, or closed."""
    request = StreamRequest(scope)
    await receive()
    if not request.origin_allowed:
        await send({"type": "websocket.close", "code": UNAUTHORIZED})
        return None
    try:
        admission.check_room()
    except ServerBusy as error:
        await refuse_socket(send, request, error)
        return None
    await send({"type": "websocket.accept"})
    try:
        caller = await request.caller()
        seat = admission.connection(caller)
        try:
            return Socket(scope, send, caller, seat)
        except BaseException:
            seat.leave()
            raise
    except PushjobsError as error:
        await send({"type": "websocket.close", "code": _CODES[type(error)]})
    except OUTAGE as error:
        note_outage("a socket's user", error)
        await send({"type": "websocket.close", "code": GOING_AWAY})
    return None
