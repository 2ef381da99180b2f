"""Checks of the two places that lead to the app: the URLconf and the ASGI application."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.handlers.asgi import ASGIHandler
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.module_loading import import_string


@register(Tags.compatibility)
def check_routes(**_: Any) -> list[CheckMessage]:
    """E005, E007, W002 and W003."""
    try:
        path = reverse("pushjobs:jobs").removeprefix(get_script_prefix())
    except NoReverseMatch:
        problem = "the URLs of pushjobs are not included in ROOT_URLCONF"
        hint = f'In {django_settings.ROOT_URLCONF}, add path("", include("pushjobs.urls")).'
        missing: CheckMessage = Error(problem, hint=hint, id="pushjobs.E005")
        return [missing, *_check_application(None)]
    return _check_application(path.removesuffix("jobs"))


def _check_application(prefix: str | None) -> list[CheckMessage]:
    """``prefix`` is where the API is, or None where it is nowhere."""
    name = getattr(django_settings, "ASGI_APPLICATION", None)
    usual = f"{django_settings.ROOT_URLCONF.rpartition('.')[0]}.asgi.application".lstrip(".")
    if not name:
        problem = "ASGI_APPLICATION is not set, so there are no streams"
        hint = f'Add ASGI_APPLICATION = "{usual}" to the settings.'
        return [checks.Warning(problem, hint=hint, id="pushjobs.W002")]
    try:
        application = import_string(name)
    except ImportError as error:
        hint = f'Let it name an ASGI application, such as "{usual}".'
        return [Error(f"ASGI_APPLICATION: {error}", hint=hint, id="pushjobs.E007")]
    if isinstance(application, ASGIHandler):
        problem = "ASGI_APPLICATION is Django alone, so there are no streams"
        hint = (
            f"In {name.rpartition('.')[0]}, write from pushjobs.asgi import get_asgi_application "
            "in place of from django.core.asgi import get_asgi_application."
        )
        return [checks.Warning(problem, hint=hint, id="pushjobs.W003")]
    own = getattr(application, "pushjobs_prefix", prefix)
    if prefix is not None and own != prefix:
        problem = f"the streams are under {own!r}, and the API is under {prefix!r}"
        hint = f"In {name.rpartition('.')[0]}, write get_asgi_application(prefix={prefix!r})."
        return [checks.Warning(problem, hint=hint, id="pushjobs.W003")]
    return []
