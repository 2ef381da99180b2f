"""A Django project with Celery and celery-progress, set up as their documentation says."""

from __future__ import annotations

from benchmarks.peers.celeryprogress.celery import app as celery_app

__all__ = ["celery_app"]
