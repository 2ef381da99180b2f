"""Django's own application."""

from __future__ import annotations

from django.core.asgi import get_asgi_application

from benchmarks.bench import raise_file_limit

raise_file_limit()
application = get_asgi_application()
