"""System checks: what a project has forgotten or misspelt, and what to do about it."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string
from pydantic import ValidationError

from pushjobs import conf, tokens
from pushjobs.conf import Settings, settings

_MIN_KEY = 32


@register(Tags.compatibility)
def check_settings(**_: Any) -> list[CheckMessage]:
    """E001: an unknown key or a bad value in ``PUSHJOBS``."""
    try:
        Settings.model_validate(conf.configured())
    except ValidationError as error:
        hint = "The keys, with their types and defaults, are those of pushjobs.conf.Settings."
        return [Error(problem, hint=hint, id="pushjobs.E001") for problem in conf.problems(error)]
    return [*_check_layer(), *_check_log(), *_check_storage(), *_check_keys()]


def _check_layer() -> list[CheckMessage]:
    if settings.CHANNEL_LAYER in getattr(django_settings, "CHANNEL_LAYERS", {}):
        return []
    return [
        Error(
            f"CHANNEL_LAYERS has no {settings.CHANNEL_LAYER!r}, so nothing can be pushed",
            hint="Set CHANNEL_LAYERS, with channels_redis.pubsub.RedisPubSubChannelLayer in "
            "production or channels.layers.InMemoryChannelLayer in a single process.",
            id="pushjobs.E002",
        )
    ]


def _check_log() -> list[CheckMessage]:
    try:
        import_string(settings.LOG)
    except ImportError as error:
        hint = "Name a class, such as pushjobs.log.memory.MemoryLog."
        return [Error(f"PUSHJOBS['LOG']: {error}", hint=hint, id="pushjobs.E003")]
    if settings.LOG.endswith(".RedisLog") and not settings.LOG_URLS:
        problem = "the log has no server: PUSHJOBS['LOG_URLS'] is empty"
        hint = "List the addresses of Redis, such as redis://127.0.0.1:6379/0."
        return [Error(problem, hint=hint, id="pushjobs.E003")]
    return []


def _check_storage() -> list[CheckMessage]:
    if settings.STORAGE in django_settings.STORAGES:
        return []
    hint = "Add it to STORAGES, or name one that is there: 'default', for example."
    problem = f"STORAGES has no {settings.STORAGE!r}, so no file can be kept"
    return [Error(problem, hint=hint, id="pushjobs.E006")]


def _check_keys() -> list[CheckMessage]:
    try:
        tokens.for_job("check")
    except (ImproperlyConfigured, ValueError) as error:
        hint = "RS256 takes RSA keys in PEM, the first of them a private one."
        return [Error(f"PUSHJOBS['TOKEN_KEYS']: {error}", hint=hint, id="pushjobs.E004")]
    return []


@register(Tags.security, deploy=True)
def check_token_keys(**_: Any) -> list[CheckMessage]:
    """W001: a token key that can be guessed."""
    try:
        keys = settings.TOKEN_KEYS or (django_settings.SECRET_KEY,)
    except ImproperlyConfigured:
        return []  # E001 says why.
    if settings.TOKEN_ALGORITHM != "HS256":
        return []
    weak = [key for key in keys if len(key) < _MIN_KEY or len(set(key)) < 8]
    if not weak:
        return []
    return [
        checks.Warning(
            f"{len(weak)} key(s) that sign job tokens are weak: who guesses one reads every job",
            hint="Set PUSHJOBS['TOKEN_KEYS'] or SECRET_KEY to random characters, "
            f"at least {_MIN_KEY} of them.",
            id="pushjobs.W001",
        )
    ]


@register(Tags.compatibility)
def check_routing(**_: Any) -> list[CheckMessage]:
    """W002, W003 and E005: an edit that was forgotten."""
    try:
        path = reverse("pushjobs:jobs")
    except NoReverseMatch:
        problem = "the URLs of pushjobs are not included in ROOT_URLCONF"
        hint = 'Add path("", include("pushjobs.urls")) to its urlpatterns.'
        return [Error(problem, hint=hint, id="pushjobs.E005")]
    name = getattr(django_settings, "ASGI_APPLICATION", None)
    hint = "Set it to an application made by pushjobs.routing.application."
    if not name:
        problem = "ASGI_APPLICATION is not set, so there are no streams"
        return [checks.Warning(problem, hint=hint, id="pushjobs.W002")]
    try:
        application = import_string(name)
    except ImportError as error:
        return [checks.Error(f"ASGI_APPLICATION: {error}", hint=hint, id="pushjobs.E007")]
    return _check_application(application, path.removeprefix("/").removesuffix("jobs"))


def _check_application(application: Any, prefix: str) -> list[CheckMessage]:
    if isinstance(application, ASGIHandler):
        problem = "ASGI_APPLICATION is Django alone, so there are no streams"
        hint = "Wrap it: application = pushjobs.routing.application(get_asgi_application())."
        return [checks.Warning(problem, hint=hint, id="pushjobs.W003")]
    own = getattr(application, "pushjobs_prefix", prefix)
    if own != prefix:
        problem = f"the streams are under {own!r}, and the API is under {prefix!r}"
        hint = f"Pass prefix={prefix!r} to pushjobs.routing.application."
        return [checks.Warning(problem, hint=hint, id="pushjobs.W003")]
    return []
