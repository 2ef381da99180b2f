"""Checks of what browsers are shown: the page on which one waits, and whose it is."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.module_loading import import_string

from pushjobs import waiting


@register(Tags.templates)
def check_pages(**_: Any) -> list[CheckMessage]:
    """W007 and W008."""
    try:
        for name in (waiting.WAITING, waiting.ENDED, waiting.REFUSED):
            get_template(name)
    except TemplateDoesNotExist as error:
        problem = f"no engine of TEMPLATES finds {error}, so a browser that waits gets an error"
        hint = (
            'Set "APP_DIRS": True for the engine django.template.backends.django.DjangoTemplates, '
            "or put a template of that name into one of its DIRS."
        )
        return [checks.Warning(problem, hint=hint, id="pushjobs.W007")]
    if apps.is_installed("django.contrib.staticfiles"):
        return []
    problem = "no one serves the script of the page on which browsers wait, so that it is reloaded"
    hint = "Add 'django.contrib.staticfiles' to INSTALLED_APPS, and STATIC_URL = \"static/\"."
    return [checks.Warning(problem, hint=hint, id="pushjobs.W008")]


@register(Tags.compatibility)
def check_users(**_: Any) -> list[CheckMessage]:
    """W009."""
    if not _has(SessionMiddleware) or _has(AuthenticationMiddleware):
        return []
    problem = "MIDDLEWARE has sessions and no users, so that no job is anyone's"
    hint = (
        "Add 'django.contrib.auth.middleware.AuthenticationMiddleware' to MIDDLEWARE, after "
        "'django.contrib.sessions.middleware.SessionMiddleware'."
    )
    return [checks.Warning(problem, hint=hint, id="pushjobs.W009")]


def _has(kind: type) -> bool:
    """Whether ``MIDDLEWARE`` has this class, or one derived from it."""
    for name in django_settings.MIDDLEWARE:
        try:
            found = import_string(name)
        except ImportError:
            continue  # Django says so.
        if isinstance(found, type) and issubclass(found, kind):
            return True
    return False
