"""URLs of the reference project."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from project.demo import views
from project.static import static

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="pushjobs:openapi-view")),
    path("admin/", admin.site.urls),
    path("static/<path:path>", static),
    path("demo/report", views.report),
    path("demo/report.json", views.report_json),
    path("", include("pushjobs.urls")),
    path("health/", include("pushjobs.health")),
]
