"""The demo as Django sees it."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "project.demo"
    label = "demo"

    def ready(self) -> None:
        import dramatiq

        from project.demo.workerpause import worker_pause

        dramatiq.get_broker().add_middleware(worker_pause)
