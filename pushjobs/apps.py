"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class PushjobsConfig(AppConfig):
    name = "pushjobs"
    verbose_name = "Background jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import dramatiq

        from pushjobs import actors, checks, registry, worker  # noqa: F401

        registry.autodiscover()
        broker = dramatiq.get_broker()
        worker.equip(broker)
        actors.register(broker)
