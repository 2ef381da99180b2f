"""Which headers of a request are kept with its job: those on a list, and never a credential."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from django.conf import settings as django_settings

from pushjobs.conf import settings

#: Never kept, whatever the list says.
_CREDENTIALS = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-csrftoken",
    "*-access-token",
    "*-api-key",
    "*-auth-token",
    "*-id-token",
)
_OF_THE_BODY = ("content-type", "content-length")


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that a captured request keeps; names count in any case."""
    patterns = [pattern.lower() for pattern in settings.REQUEST_HEADERS]
    patterns += [*_OF_THE_BODY, *_of_the_proxy()]
    return {
        name: text
        for name, text in headers.items()
        if _is_any(name, patterns) and not is_credential(name)
    }


def is_credential(name: str) -> bool:
    """Whether a header of this name is taken to prove who its sender is."""
    return _is_any(name, [*_CREDENTIALS, settings.TOKEN_HEADER.lower()])


def meta_name(name: str) -> str:
    """A header's key in ``HttpRequest.META`` (RFC 3875, section 4.1.18)."""
    key = name.upper().replace("-", "_")
    return key if name.lower() in _OF_THE_BODY else f"HTTP_{key}"


def _of_the_proxy() -> list[str]:
    """The header by which Django knows that the client came over HTTPS."""
    header: Any = django_settings.SECURE_PROXY_SSL_HEADER
    return [header[0].removeprefix("HTTP_").replace("_", "-").lower()] if header else []


def _is_any(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)
