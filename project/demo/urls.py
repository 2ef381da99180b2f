"""URLs of the demo."""

from __future__ import annotations

from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from project.demo import page, views

app_name = "demo"
urlpatterns = [
    path("", page.page, name="page"),
    # Browsers ask for it on pages that name no icon, as the answers of views are.
    path("favicon.ico", RedirectView.as_view(url=static("demo/icon.svg")), name="icon"),
    path("demo/guest", page.guest, name="guest"),
    path("demo/start/<str:kind>", page.start, name="start"),
    path("demo/samples/<str:name>", page.sample, name="sample"),
    path("demo/worker", page.worker, name="worker"),
    path("demo/report", views.report, name="report"),
    path("demo/report.json", views.report_json, name="report-json"),
]
