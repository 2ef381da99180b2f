"""The results table of a project that keeps its own."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Report(models.Model):
    """A piece of work that was asked for: how far it is, and what came of it."""

    name = models.CharField(max_length=200)
    args = models.JSONField(default=dict)
    status = models.CharField(max_length=16, default="queued")
    percent = models.FloatField(default=0)
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Report]] = models.Manager()

    class Meta:
        app_label = "plain"

    def __str__(self) -> str:
        return f"{self.name} {self.pk} ({self.status})"
