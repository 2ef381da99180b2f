"""Checks of what ``PUSHJOBS`` says."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from pydantic import ValidationError

from pushjobs import conf, tokens
from pushjobs.conf import Settings, settings

_MIN_KEY = 32
#: What the extra ``redis`` installs.
_FOR_REDIS = frozenset({"hiredis", "msgpack", "redis"})


@register(Tags.compatibility)
def check_settings(**_: Any) -> list[CheckMessage]:
    """E001, E003, E004 and E006."""
    try:
        Settings.model_validate(conf.configured())
    except ValidationError as error:
        hint = "The keys, with their types and defaults, are those of pushjobs.conf.Settings."
        return [Error(problem, hint=hint, id="pushjobs.E001") for problem in conf.problems(error)]
    return [*_check_log(), *_check_storage(), *_check_keys()]


def _check_log() -> list[CheckMessage]:
    try:
        import_string(settings.LOG)
    except ImportError as error:
        hint = "Name a class, such as pushjobs.log.memory.MemoryLog."
        if error.name in _FOR_REDIS:
            hint = 'Install it: pip install "pushjobs[redis]"'
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
    """W001."""
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
