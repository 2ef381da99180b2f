"""The ASGI application: the streams, and Django for all else."""

from __future__ import annotations

import os

from pushjobs.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

application = get_asgi_application()
