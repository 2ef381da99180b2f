"""The Celery application, as Celery's "First steps with Django" makes it."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.peers.celeryprogress.settings")

app = Celery("celeryprogress")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
