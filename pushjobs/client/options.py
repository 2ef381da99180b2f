"""What both clients are made of, from what their callers say."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from pushjobs.client.api import Api
from pushjobs.client.credentials import Credentials
from pushjobs.client.endpoint import Endpoint
from pushjobs.client.follower import Patience
from pushjobs.client.ladder import rungs
from pushjobs.client.steps import TokenSource


def api_of(
    url: str, token: TokenSource | None, transports: Sequence[str], patience: Patience | None
) -> Api:
    credentials = Credentials(token, time.time)
    return Api(Endpoint.of(url), credentials, rungs(transports), patience or Patience())


def http_options(
    headers: Mapping[str, str] | None, context: ssl.SSLContext | None
) -> dict[str, Any]:
    """For either client of httpx. A job's response may be a redirect: none is followed.

    Raises ``ValueError`` for a header that cannot be sent, without its value.
    """
    for name, value in (headers or {}).items():
        if not (name.isascii() and value.isascii() and (name + value).isprintable()):
            raise ValueError(f"the header {name!r} is no line of ASCII")
    return {
        "headers": headers,
        "verify": True if context is None else context,
        "follow_redirects": False,
        # Each follower holds one for as long as it follows.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20),
    }
