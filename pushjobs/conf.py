"""Settings: the ``PUSHJOBS`` dict of a Django project, typed and lazy.

``settings.LEASE`` reads the key ``LEASE`` of ``PUSHJOBS``, or its default. The dict is read on
first use and again after Django's ``setting_changed``. Times are in seconds, sizes in bytes.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, cast

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from pushjobs.rates import Rate, rate_of
from pushjobs.retention import Retention, retention_of

Limit = Annotated[Rate | None, BeforeValidator(rate_of)]
KeptFor = Annotated[Retention, BeforeValidator(retention_of)]
#: What becomes of a job that the broker cannot be given: the relay sends it later, it runs here and
#: now, or it is refused.
Fallback = Literal["relay", "inline", "reject"]

KIB, MIB = 1024, 1024 * 1024


class Settings(BaseModel):
    """Every key that ``PUSHJOBS`` may have, with its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Running jobs
    EAGER: bool = False
    EMBEDDED_THREADS: int = Field(0, ge=0)
    ENQUEUE_FALLBACK: Fallback = "relay"
    MAX_ATTEMPTS: PositiveInt = 3
    TIME_LIMIT: PositiveFloat = 600
    RETENTION: KeptFor = Field(24 * 3600, validate_default=True)
    RETRY_BACKOFF: PositiveFloat = 1
    RETRY_BACKOFF_MAX: PositiveFloat = 300
    CANCEL_GRACE: float = Field(1, ge=0)
    SHUTDOWN_GRACE: float = Field(10, ge=0)
    EXPOSE_ERRORS: bool = False

    # Repairing
    LEASE: PositiveFloat = 30
    HEARTBEAT_INTERVAL: PositiveFloat = 0.5
    RELAY_INTERVAL: PositiveFloat = 0.5
    ANNOUNCE_AFTER: PositiveFloat = 5
    REENQUEUE_AFTER: PositiveFloat = 30
    RELAY_IN_WORKERS: bool = True

    # Telling
    PROGRESS_INTERVAL: PositiveFloat = 0.1
    OUTPUT_INTERVAL: PositiveFloat = 0.05
    LOG: str = "pushjobs.log.memory.MemoryLog"
    LOG_URLS: tuple[str, ...] = ()
    LOG_MAX_EVENTS: PositiveInt = 1000
    LOG_MAX_BYTES: PositiveInt = 4 * MIB
    LOG_MAX_AGE: PositiveFloat = 3600
    LOG_MAX_TOTAL: PositiveInt = 256 * MIB
    CHANNEL_LAYER: str = "default"
    SWEEP_INTERVAL: PositiveFloat = 5

    # Streams
    STREAM_HEARTBEAT: PositiveFloat = 15
    SOCKET_HEARTBEAT: PositiveFloat = 25
    SOCKET_COMPRESSION: bool = False
    STREAM_RETRY: PositiveFloat = 1
    MAX_CONNECTION_AGE: PositiveFloat = 3600
    SESSION_CHECK_INTERVAL: PositiveFloat = 60
    DRAIN_WINDOW: float = Field(5, ge=0)
    BACKLOG_EVENTS: PositiveInt = 1000
    BACKLOG_BYTES: PositiveInt = 2 * MIB
    MAX_CHANNELS: PositiveInt = 100
    MAX_CONNECTIONS: PositiveInt = 20_000
    MAX_USER_CONNECTIONS: PositiveInt = 500
    MAX_ADDRESS_CONNECTIONS: PositiveInt = 5_000
    MAX_USER_CHANNELS: PositiveInt = 5_000
    MAX_ADDRESS_CHANNELS: PositiveInt = 20_000
    MAX_WAIT: PositiveFloat = 60
    SNAPSHOT_JOBS: PositiveInt = 200

    # Submissions, counted in one of CACHES; "" is no limit
    USER_SUBMISSIONS: Limit = Field("600/minute", validate_default=True)
    ADDRESS_SUBMISSIONS: Limit = Field("6000/minute", validate_default=True)
    SUBMISSIONS_CACHE: str = "default"

    # Health
    HEALTH_TIMEOUT: PositiveFloat = 0.8

    # Sizes
    MAX_BODY: PositiveInt = MIB
    MAX_UPLOAD: PositiveInt = 128 * MIB
    MAX_FRAME: PositiveInt = 64 * KIB
    MAX_FRAMES_PER_SECOND: PositiveInt = 50
    MAX_OUTPUT: PositiveInt = 16 * MIB
    MAX_RESULT: PositiveInt = 64 * MIB
    INLINE_RESULT: PositiveInt = 32 * KIB
    STORAGE: str = "default"

    # Views: headers that a captured request keeps, beside those of its body, and its context
    REQUEST_HEADERS: tuple[str, ...] = (
        "Accept",
        "Accept-Language",
        "Forwarded",
        "HX-*",
        "Origin",
        "Referer",
        "User-Agent",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Forwarded-Proto",
        "X-Requested-With",
    )
    CONTEXTS: tuple[str, ...] = ()

    # Tokens
    TOKEN_ALGORITHM: Literal["HS256", "RS256"] = "HS256"
    TOKEN_KEYS: tuple[str, ...] = ()
    TOKEN_HEADER: str = Field("X-JOB-AUTHORIZATION", pattern=r"^[A-Za-z0-9-]+$")
    TOKEN_COOKIE: str = Field("pushjobs_token", pattern=r"^[A-Za-z0-9_-]+$")
    TOKEN_LIFETIME: PositiveFloat = 24 * 3600


@lru_cache(maxsize=1)
def _current() -> Settings:
    try:
        return Settings.model_validate(configured())
    except ValidationError as error:
        raise ImproperlyConfigured("; ".join(problems(error))) from None


def configured() -> Any:
    """The ``PUSHJOBS`` setting as the project wrote it."""
    return getattr(django_settings, "PUSHJOBS", {})


def problems(error: ValidationError) -> list[str]:
    """What is wrong with ``PUSHJOBS``, a sentence for each."""
    return [_problem(item["type"], item["loc"], item["msg"]) for item in error.errors()]


def _problem(kind: str, place: tuple[int | str, ...], message: str) -> str:
    if not place:
        return f"PUSHJOBS is a dict: {message}"
    key = str(place[0])
    if kind != "extra_forbidden":
        return f"PUSHJOBS[{key!r}]: {message}"
    meant = get_close_matches(key, Settings.model_fields, n=1)
    guess = f"; did you mean {meant[0]!r}?" if meant else ""
    return f"PUSHJOBS[{key!r}]: there is no such key{guess}"


class _Lazy:
    def __getattr__(self, name: str) -> Any:
        return getattr(_current(), name)


def _reset(*, setting: str, **_: Any) -> None:
    if setting in ("PUSHJOBS", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        _current.cache_clear()


settings = cast(Settings, _Lazy())
setting_changed.connect(_reset)
