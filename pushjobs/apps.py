"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured


class PushjobsConfig(AppConfig):
    name = "pushjobs"
    verbose_name = "Background jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import dramatiq

        from pushjobs import actors, checks, registry, worker  # noqa: F401

        registry.autodiscover()
        if not apps.is_installed("django_dramatiq"):
            raise ImproperlyConfigured(
                "pushjobs needs a Dramatiq broker: add 'django_dramatiq' to INSTALLED_APPS and set "
                "DRAMATIQ_BROKER, for a single process to "
                "{'BROKER': 'dramatiq.brokers.stub.StubBroker'}"
            )
        broker = dramatiq.get_broker()
        worker.equip(broker)
        actors.register(broker)
