"""By what right a client asks: a token, or what gets one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from pushjobs.client.steps import AskToken, Flow, TokenSource, token_of

#: Seconds before a token's end at which another one is got.
MARGIN = 30.0


class Credentials:
    """A token that is got anew in time, where there is something that gets one."""

    def __init__(self, source: TokenSource | None, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._token = token_of(source) if isinstance(source, str) else None

    def token(self) -> Flow[str | None]:
        """The token to send now."""
        if self._source is not None and not isinstance(self._source, str):
            expires = None if self._token is None else expiry(self._token)
            if self._token is None or (expires is not None and expires - MARGIN <= self._clock()):
                self._token = yield AskToken(self._source)
        return self._token

    def refresh(self) -> Flow[bool]:
        """Get another token, for the one that is refused; whether there is another."""
        if self._source is None or isinstance(self._source, str):
            return False
        refused = self._token
        self._token = yield AskToken(self._source)
        return self._token != refused


def expiry(token: str) -> float | None:
    """When a JWT expires (RFC 7519, section 4.1.4), as seconds since the epoch; None if unknown."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return None
