"""In an ``asgi.py``, in place of ``django.core.asgi``: Django with the streams in front of it."""

from __future__ import annotations

from typing import Any

from django.core import asgi


def get_asgi_application(prefix: str = "") -> Any:
    """As Django's function of this name, and then as ``pushjobs.routing.application``.

    ``prefix`` is where the project includes ``pushjobs.urls``, such as ``"api/"``.
    """
    django_application = asgi.get_asgi_application()

    # Its models can be imported only now that the apps are there.
    from pushjobs.routing import application

    return application(django_application, prefix)
