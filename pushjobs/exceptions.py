"""The error tree. An error that a client may see carries its HTTP problem (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

PROBLEM_TYPE = "urn:pushjobs:problem:"
_OWN_MEMBERS = frozenset({"type", "title", "status", "detail", "slug"})


class PushjobsError(Exception):
    """An error with an HTTP status and a problem type, safe to show to a client.

    ``slug`` names the problem type (``urn:pushjobs:problem:<slug>``); ``detail`` says what is wrong
    with this request; ``members`` are further members of the problem document.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def problem(self) -> dict[str, Any]:
        """The problem document as a JSON object (RFC 9457, section 3.1)."""
        document: dict[str, Any] = {
            "type": PROBLEM_TYPE + self.slug,
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            document["detail"] = self.detail
        return document | self.members


class BadRequest(PushjobsError):
    status, slug, title = 400, "bad-request", "The request is malformed"


class InvalidCursor(PushjobsError):
    status, slug, title = 400, "invalid-cursor", "The cursor is not one of these channels"


class Unauthorized(PushjobsError):
    """No credentials, or none that hold; answered with a challenge (RFC 6750, section 3)."""

    status, slug, title = 401, "unauthorized", "Valid credentials are required"

    def __init__(self, detail: str = "", *, error: str | None = None) -> None:
        challenge = 'Bearer realm="jobs"' + (f', error="{error}"' if error else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(PushjobsError):
    status, slug, title = 403, "forbidden", "Not allowed"


class NotFound(PushjobsError):
    """Unknown and forbidden look the same."""

    status, slug, title = 404, "not-found", "There is no such job or channel"


class UnknownJobName(PushjobsError):
    status, slug, title = 404, "unknown-job-name", "No job is registered under this name"


class MethodNotAllowed(PushjobsError):
    status, slug, title = 405, "method-not-allowed", "The method is not for this URL"


class Conflict(PushjobsError):
    status, slug, title = 409, "conflict", "The job's status does not allow this"


class Gone(PushjobsError):
    status, slug, title = 410, "gone", "The job is no longer kept"


class TooLarge(PushjobsError):
    status, slug, title = 413, "too-large", "The request is too large"


class UnsupportedMediaType(PushjobsError):
    status, slug, title = 415, "unsupported-media-type", "The body is of another media type"


class InvalidArguments(PushjobsError):
    """``errors`` lists what does not fit: ``[{"loc": ["args", "top"], "msg": "…"}]``."""

    status, slug, title = 422, "invalid-arguments", "The arguments do not fit the job"

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors=errors)
        self.errors = errors

    def __str__(self) -> str:
        found = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in self.errors]
        return f"{self.title}: {'; '.join(found)}"


class IdempotencyMismatch(PushjobsError):
    status, slug, title = 422, "idempotency-mismatch", "The key was used for another request"


class RequestEnded(PushjobsError):
    """A captured request may not run, or not any more; its job fails with this problem."""


class TamperedRequest(RequestEnded):
    status, slug, title = 500, "tampered-request", "The captured request is not as it was"


class UserDeactivated(RequestEnded):
    status, slug, title = 403, "user-deactivated", "The user may not log in any more"


class SessionEnded(RequestEnded):
    status, slug, title = 403, "session-ended", "The session has ended in the meantime"


class ViewGone(RequestEnded):
    status, slug, title = 410, "view-gone", "The view is no longer at its URL"


class LimitExceeded(PushjobsError):
    status, slug, title = 429, "limit-exceeded", "Over a limit"


class TooManyRequests(PushjobsError):
    """Submissions come too fast (RFC 6585, section 4); ``wait`` is in seconds."""

    status, slug, title = 429, "too-many-requests", "Requests come too fast"

    def __init__(self, wait: int) -> None:
        super().__init__(f"ask again in {wait} s", headers={"Retry-After": str(wait)})


class BrokerUnavailable(PushjobsError):
    status, slug, title = 503, "broker-unavailable", "Jobs cannot be accepted right now"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "5"})


class DatabaseUnavailable(PushjobsError):
    status, slug, title = 503, "database-unavailable", "The database cannot be reached right now"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class ServerBusy(PushjobsError):
    """This process takes no more connections; another one may."""

    status, slug, title = 503, "server-busy", "The server takes no more connections"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "1"})


class StorageUnavailable(PushjobsError):
    """An upload cannot be kept (RFC 4918, section 11.5): the disk is full, say."""

    status, slug, title = 507, "storage-unavailable", "Files cannot be stored right now"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "30"})


class StreamUnavailable(PushjobsError):
    status, slug, title = 503, "stream-unavailable", "Events cannot be read right now"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class Failed(Exception):
    """Raised by a handler for a failure that its client shall read; it is not retried.

    ``message`` becomes the ``detail`` of the job's error and of the problem document that
    ``GET /jobs/<id>/response`` answers, with ``status_code`` as its HTTP status.
    """

    def __init__(self, message: str, *, status_code: int = 500, **members: Any) -> None:
        if not 400 <= status_code <= 599:
            raise ValueError(f"a failure's status code is 400 to 599, not {status_code}")
        if taken := _OWN_MEMBERS & members.keys():
            raise ValueError(f"a problem document has its own {', '.join(sorted(taken))}")
        super().__init__(message)
        self.status_code = status_code
        self.members = members


class Cancelled(Exception):
    """Raised inside a handler once its job is to be cancelled."""


class Superseded(Exception):
    """Raised inside a handler whose attempt no longer counts: another one has taken over."""


class UnstorableResult(Exception):
    """A handler returned something that cannot be kept or sent."""


class LogUnavailable(Exception):
    """The log cannot be reached; what was to be appended or read stays undone."""


class BrokenChannel(Exception):
    """Where the log keeps a channel there is something else, and no event can be appended."""
