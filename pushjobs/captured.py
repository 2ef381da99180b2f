"""A captured request: all that is needed to run it later as if it were the same one.

Credentials stay out: no ``Authorization``, no cookie. The session goes by its key, the user by id.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

#: What differs between requests that are equal, as the boundary in a form's ``Content-Type``, or
#: says how the client came.
_INCIDENTAL = frozenset(
    {
        "content-length",
        "content-type",
        "forwarded",
        "hx-current-url",
        "referer",
        "user-agent",
        "x-forwarded-for",
    }
)
Form = list[tuple[str, list[str]]]


class Upload(BaseModel):
    """A file of a form. ``size`` is in bytes; the rest but ``sha256`` is the client's word."""

    model_config = ConfigDict(frozen=True)

    field: str
    name: str
    content_type: str | None
    charset: str | None
    parameters: dict[str, str]
    size: int
    sha256: str


class Captured(BaseModel):
    """A request as its job keeps it.

    ``view`` is what the URL led to. ``body`` is None where it is kept as the job's first file, or
    was a multipart form, whose fields are in ``form``; ``content`` is a digest of either.
    ``session`` is the session's key, ``time_zone`` a name of the IANA database, or seconds east of
    UTC.
    """

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    view: str
    method: str
    path_info: str
    script_name: str
    query: str
    scheme: str
    server_name: str
    server_port: str
    remote_addr: str
    remote_user: str | None
    headers: dict[str, str]
    host: str
    encoding: str | None
    session: str | None
    csrf_secret: str | None
    user: str | None
    user_from_session: bool
    auth: dict[str, Any] | None
    admitted: bool = False
    language: str | None
    time_zone: str | float | None
    body: bytes | None
    body_stored: bool
    form: Form | None
    content: str
    uploads: tuple[Upload, ...]
    contexts: dict[str, Any]

    def fingerprint(self) -> str:
        """What is asked and of whom, as 64 hex digits: equal for equal requests."""
        named = {name.lower(): text for name, text in self.headers.items()}
        media_type = named.get("content-type", "").partition(";")[0]
        asked: Any = [
            self.view,
            [self.method, self.scheme, self.host, self.script_name, self.path_info, self.query],
            {name: text for name, text in named.items() if name not in _INCIDENTAL},
            [media_type, self.content],
            [(upload.field, upload.name, upload.sha256) for upload in self.uploads],
            [self.language, self.time_zone, self.contexts],
            ["user", self.user] if self.user is not None else ["session", self.session],
            self.auth,
        ]
        return digest(asked)

    def sharing_key(self) -> str:
        """What requests that may share a response have in common, as 64 hex digits.

        Their session as well, for what it holds may show in the response.
        """
        return digest([self.fingerprint(), self.session])


def digest(value: Any) -> str:
    """The SHA-256 of a JSON value, as 64 hex digits."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
