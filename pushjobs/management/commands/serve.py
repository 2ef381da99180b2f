"""``manage.py serve``: the embedded server."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pushjobs.conf import settings


class Command(BaseCommand):
    help = "Serve the site and run its jobs in this one process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
        parser.add_argument(
            "--port", type=int, default=8000, help="port; 0 for any that is free (%(default)s)"
        )
        parser.add_argument(
            "--threads", type=int, default=8, help="threads that run jobs (%(default)s)"
        )
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

        def say_stopping() -> None:
            seconds = settings.SHUTDOWN_GRACE
            self.stdout.write(f"Stopping: jobs that run have {seconds:g} s (Ctrl-C stops at once)")
            self.stdout.flush()

        if not getattr(django_settings, "ASGI_APPLICATION", None):
            raise CommandError("set ASGI_APPLICATION, to '<project>.asgi.application'")
        if not options["no_migrate"]:
            self._migrate()
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
                on_stopping=say_stopping,
                proxy_headers=options["proxy_headers"],
            ).run()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        call_command("migrate", verbosity=0, interactive=False)
        if plan:
            self.stdout.write(f"Applied {len(plan)} migration(s) to the database")
