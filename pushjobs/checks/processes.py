"""Checks of what processes share: the broker, the Channels layer, the database."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from pushjobs import layer
from pushjobs.broker import in_memory
from pushjobs.conf import settings
from pushjobs.models import Job

_PRODUCTION_LAYER = (
    'CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", '
    '"CONFIG": {"hosts": ["redis://…"]}}}'
)
_ONE_PROCESS_LAYER = (
    'CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}'
)
_PRODUCTION_BROKER = (
    'DRAMATIQ_BROKER = {"BROKER": "dramatiq.brokers.redis.RedisBroker", '
    '"OPTIONS": {"url": "redis://…"}}'
)
_ONE_PROCESS_BROKER = 'DRAMATIQ_BROKER = {"BROKER": "dramatiq.brokers.stub.StubBroker"}'


@register(Tags.compatibility)
def check_layer(**_: Any) -> list[CheckMessage]:
    """E002."""
    try:
        name = settings.CHANNEL_LAYER
    except ImproperlyConfigured:
        return []  # E001 says why.
    if layer.stands_in() or name in getattr(django_settings, "CHANNEL_LAYERS", {}):
        return []
    problem = f"CHANNEL_LAYERS has no {name!r}, so nothing can be pushed"
    hint = f"Set {_PRODUCTION_LAYER}, or, where there is but one process, {_ONE_PROCESS_LAYER}."
    return [Error(problem, hint=hint, id="pushjobs.E002")]


@register(Tags.compatibility)
def check_broker(**_: Any) -> list[CheckMessage]:
    """W005."""
    if not apps.is_installed("django_dramatiq") or hasattr(django_settings, "DRAMATIQ_BROKER"):
        return []
    problem = "DRAMATIQ_BROKER is not set, so jobs are sent to RabbitMQ on this machine"
    hint = f"Set {_PRODUCTION_BROKER}, or, where there is but one process, {_ONE_PROCESS_BROKER}."
    return [checks.Warning(problem, hint=hint, id="pushjobs.W005")]


@register(Tags.compatibility, deploy=True)
def check_stand_ins(**_: Any) -> list[CheckMessage]:
    """W004: what does for a first run, and does not for a second process."""
    found: list[CheckMessage] = []
    if in_memory() and not apps.is_installed("django_dramatiq"):
        problem = "no broker is set, so only a process that serves can run the jobs it accepts"
        hint = (
            f"Add 'django_dramatiq' to INSTALLED_APPS, and set {_PRODUCTION_BROKER}, or, where "
            f"there is but one process, {_ONE_PROCESS_BROKER}."
        )
        found.append(checks.Warning(problem, hint=hint, id="pushjobs.W004"))
    if layer.stands_in():
        problem = "CHANNEL_LAYERS is not set, so events are pushed within one process only"
        hint = f"Set {_PRODUCTION_LAYER}, or, where there is but one process, {_ONE_PROCESS_LAYER}."
        found.append(checks.Warning(problem, hint=hint, id="pushjobs.W004"))
    return found


@register(Tags.compatibility, deploy=True)
def check_sqlite(**_: Any) -> list[CheckMessage]:
    """W006."""
    alias = router.db_for_write(Job)
    database = connections[alias].settings_dict
    mode = str(database["OPTIONS"].get("transaction_mode") or "DEFERRED").upper()
    if connections[alias].vendor != "sqlite" or mode != "DEFERRED":
        return []
    return [
        checks.Warning(
            f"SQLite's transactions in DATABASES[{alias!r}] begin as readers, so that one that "
            "comes to write while another does fails: database is locked",
            hint='Set its "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, '
            '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}.',
            id="pushjobs.W006",
        )
    ]
