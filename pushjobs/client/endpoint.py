"""Where the API is: every URL that a client asks, from one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The API's base, ``https://host/jobs``, without a slash at its end."""

    base: str

    @classmethod
    def of(cls, url: str) -> Endpoint:
        """From the base, or from only ``https://host``, which means ``/jobs`` there.

        Raises ``ValueError`` where that is no such URL. It does not say the URL, which may have a
        token or a password in it.
        """
        parts = _split(url, "an API")
        path = parts.path.rstrip("/") or "/jobs"
        return cls(urlunsplit((parts.scheme, parts.netloc, path, "", "")))

    @classmethod
    def of_job(cls, url: str) -> tuple[Endpoint, str]:
        """The API and the id of a job, from the job's own URL or one of its ``links``."""
        parts = _split(url, "a job")
        path = parts.path.rstrip("/")
        for link in ("/response", "/events", "/cancel", "/retry"):
            path = path.removesuffix(link)
        above, _, job = path.rpartition("/")
        if not above or not job:
            raise ValueError("the URL of a job is like https://host/jobs/<id>")
        return cls.of(urlunsplit((parts.scheme, parts.netloc, above, "", ""))), job

    def job(self, job_id: str, *rest: str) -> str:
        return "/".join((self.base, quote(job_id, safe=""), *rest))

    def events(self, channel: str) -> tuple[str, dict[str, str]]:
        """The URL of a channel's events, and what its query begins with."""
        kind, _, name = channel.partition(":")
        if kind == "job":
            return self.job(name, "events"), {}
        return f"{self.base}/events", {"channel": channel}

    @property
    def socket(self) -> str:
        return f"ws{self.base.removeprefix('http')}/socket"


def _split(url: str, what: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"the URL of {what} has a port that is none")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the URL of {what} begins with http:// or https://, and a host")
    if not url.isprintable() or " " in url:
        raise ValueError(f"the URL of {what} has a blank or a control character in it")
    if parts.query or parts.fragment:
        raise ValueError(f"the URL of {what} has no query and no fragment; a token goes apart")
    if parts.username is not None:
        raise ValueError(f"the URL of {what} has no user and password: send Authorization")
    return parts
