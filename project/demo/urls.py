"""URLs of the demo."""

from __future__ import annotations

from django.urls import path

from project.demo import page, views

app_name = "demo"
urlpatterns = [
    path("", page.page, name="page"),
    path("demo/guest", page.guest, name="guest"),
    path("demo/start/<str:kind>", page.start, name="start"),
    path("demo/samples/<str:name>", page.sample, name="sample"),
    path("demo/worker", page.worker, name="worker"),
    path("demo/report", views.report, name="report"),
    path("demo/report.json", views.report_json, name="report-json"),
]
