"""URLs of the reference project."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from project.static import static

urlpatterns = [
    path("admin/", admin.site.urls),
    path("static/<path:path>", static),
    path("", include("project.demo.urls")),
    path("", include("pushjobs.urls")),
    path("health/", include("pushjobs.health")),
]
