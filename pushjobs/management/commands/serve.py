"""``manage.py serve``: the embedded server."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Serve the site and run its jobs in this one process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--threads", type=int, default=8, help="worker threads")
        parser.add_argument(
            "--proxy-headers",
            action="store_true",
            help="take the client's address and scheme from X-Forwarded-For and X-Forwarded-Proto; "
            "only behind a proxy that overwrites both, since anyone may send them",
        )
        parser.add_argument(
            "--no-migrate", action="store_true", help="leave the database's tables as they are"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Twisted's reactor is installed by this import: it belongs to no other command.
        from channels.routing import get_default_application
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

        from pushjobs.server import EmbeddedServer

        host, port = options["host"], options["port"]

        def say_where() -> None:
            self.stdout.write(f"Serving on http://{host}:{port}/  (Ctrl-C stops)")
            self.stdout.flush()

        if not options["no_migrate"]:
            call_command("migrate", verbosity=0, interactive=False)
        try:
            application = get_default_application()
            if apps.is_installed("django.contrib.staticfiles"):
                application = ASGIStaticFilesHandler(application)
            EmbeddedServer(
                application,
                host=host,
                port=port,
                threads=options["threads"],
                on_listening=say_where,
                proxy_headers=options["proxy_headers"],
            ).run()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
