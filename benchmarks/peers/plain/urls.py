"""URLs of the plain project."""

from __future__ import annotations

from django.urls import path

from benchmarks.peers.plain import views

urlpatterns = [
    path("insert", views.insert),
    path("insert-async", views.insert_async),
    path("reports", views.submit),
    path("reports/<int:report_id>", views.read),
    path("reports-async/<int:report_id>", views.read_async),
]
