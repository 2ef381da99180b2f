"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class PushjobsConfig(AppConfig):
    name = "pushjobs"
    verbose_name = "Background jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import dramatiq

        from pushjobs import actors, broker, checks, logouts, registry, viewjob, worker  # noqa: F401
        from pushjobs.daphnelifespan import follow

        broker.provide()
        registry.autodiscover()
        worker.equip(dramatiq.get_broker())
        actors.register(dramatiq.get_broker())
        follow()
