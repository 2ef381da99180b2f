"""The ASGI application: the streams, and Django for all else."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django_application = get_asgi_application()

from pushjobs.routing import application as with_streams  # noqa: E402

application = with_streams(django_application)
