"""URLs of the project with Celery."""

from __future__ import annotations

from django.urls import include, path

from benchmarks.peers.celeryprogress import views

urlpatterns = [
    path("tasks", views.submit),
    path("celery-progress/", include("celery_progress.urls")),
]
