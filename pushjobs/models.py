"""Tables: the job, the truth about it, and its tags."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import uuid_utils.compat
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils import timezone

from pushjobs import channels
from pushjobs.events import Event, EventType, rfc3339
from pushjobs.queries import JobQuerySet
from pushjobs.retention import FOREVER
from pushjobs.status import Status

if not apps.is_installed("pushjobs"):  # Django would speak of an app_label.
    raise ImproperlyConfigured("pushjobs is not installed: add 'pushjobs' to INSTALLED_APPS")


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7): ids sort by creation, so that inserts stay local."""
    return uuid_utils.compat.uuid7()


class Job(models.Model):
    """A piece of background work. Only ``lifecycle`` writes ``status`` and what goes with it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200)
    queue = models.CharField(max_length=100)
    priority = models.SmallIntegerField(default=0)
    owner = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,  # ``pushjobs_job_owner`` begins with it.
    )
    tags = models.JSONField(default=list, blank=True)
    args = models.JSONField(default=dict, blank=True)
    retry_of = models.UUIDField(null=True, blank=True)

    status = models.CharField(max_length=16, choices=[(s.value, s.value) for s in Status])
    version = models.PositiveIntegerField(default=1)
    announced = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    released = models.PositiveIntegerField(
        default=0, help_text="Attempts that a stopping worker gave back; they do not count."
    )
    max_attempts = models.PositiveIntegerField()
    time_limit = models.FloatField()
    retention = models.FloatField(help_text="Seconds after the end; infinite for ever.")
    retention_failed = models.FloatField(
        null=True,
        blank=True,
        help_text="The same of a job that failed or was cancelled, where it differs.",
    )
    worker = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    progress = models.JSONField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_type = models.CharField(max_length=255, blank=True)
    response_headers = models.JSONField(default=list, blank=True)
    response_body = models.BinaryField(null=True, blank=True)
    response_file = models.CharField(max_length=500, blank=True)
    error = models.JSONField(null=True, blank=True)
    traceback = models.TextField(blank=True)
    output_lost = models.BooleanField(
        default=False, help_text="Whether the log may lack output, having been out of reach."
    )

    run_at = models.DateTimeField(null=True, blank=True)
    resend_at = models.DateTimeField(
        null=True, blank=True, help_text="None until the broker has had the job for the first time."
    )
    sends = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    announce_at = models.DateTimeField(
        default=timezone.now, help_text="When a relay announces the status if no one has yet."
    )

    idempotency_scope = models.CharField(max_length=100, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    fingerprint = models.CharField(max_length=64, blank=True)
    coalesce_key = models.CharField(  # noqa: DJ001
        max_length=64,
        null=True,
        blank=True,
        help_text="What equal requests share: one that comes while the job is not over joins it.",
    )
    flash = models.JSONField(
        null=True, blank=True, help_text="Django messages that the client has yet to be given."
    )

    objects: ClassVar[models.Manager[Job]] = JobQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        # Each change of a status writes the row anew into every index that has it, so an index has
        # only the rows that its queries look for.
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["idempotency_scope", "idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="pushjobs_job_idempotency",
            ),
            models.UniqueConstraint(
                fields=["idempotency_scope", "coalesce_key"],
                condition=models.Q(
                    coalesce_key__isnull=False, status__in=["scheduled", "queued", "running"]
                ),
                name="pushjobs_job_coalesced",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["owner", "-id"],
                condition=models.Q(owner__isnull=False),
                name="pushjobs_job_owner",
            ),
            models.Index(
                fields=["queue", "priority", "id"],
                condition=models.Q(status="queued"),
                name="pushjobs_job_queued",
            ),
            models.Index(
                fields=["run_at"],
                condition=models.Q(status="scheduled"),
                name="pushjobs_job_scheduled",
            ),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(status="running"),
                name="pushjobs_job_running",
            ),
            models.Index(
                fields=["announce_at"],
                condition=models.Q(announced__lt=models.F("version")),
                name="pushjobs_job_unannounced",
            ),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False, announced__gte=models.F("version")),
                name="pushjobs_job_expiry",
            ),
            models.Index(
                fields=["idempotency_scope", "coalesce_key", "-finished_at"],
                condition=models.Q(coalesce_key__isnull=False, status="succeeded"),
                name="pushjobs_job_kept",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.id} ({self.status})"

    @property
    def over(self) -> bool:
        return Status(self.status).terminal

    @property
    def attempts_left(self) -> bool:
        """Whether a failed attempt may be followed by another."""
        return self.attempt - self.released < self.max_attempts

    def kept_for(self, status: Status) -> float | None:
        """Seconds for which the job is kept once it has ended so; None for ever."""
        seconds = self.retention
        if status != Status.SUCCEEDED and self.retention_failed is not None:
            seconds = self.retention_failed
        return None if seconds == FOREVER else seconds

    def channels(self) -> tuple[str, ...]:
        """The channels that carry this job's events."""
        return channels.of_everything(self.id, self.owner_id, self.tags)

    def event(self, kind: EventType, data: dict[str, Any], **numbers: int) -> Event:
        return Event(
            type=kind,
            job=str(self.id),
            name=self.name,
            attempt=self.attempt,
            time=timezone.now(),
            data=data,
            **numbers,
        )

    def announcement(self) -> Event:
        """The event that tells this job's status, as a function of its row alone.

        So that whoever finds a change unannounced can announce it.
        """
        kind, data = self._announcement()
        if self.output_lost and self.over:
            data["output_complete"] = False
        return self.event(kind, data, version=self.version)

    def _announcement(self) -> tuple[EventType, dict[str, Any]]:
        match Status(self.status):
            case Status.RUNNING:
                return EventType.STARTED, {}
            case Status.SUCCEEDED:
                return EventType.SUCCEEDED, {
                    "result": self.result,
                    "status_code": self.response_status,
                    "content_type": self.response_type,
                }
            case Status.FAILED:
                return EventType.FAILED, {"error": self.error}
            case Status.CANCELLED:
                return EventType.CANCELLED, {}
            case _ if self.error is not None and self.run_at is not None:
                return EventType.RETRYING, {"error": self.error, "retry_at": _text(self.run_at)}
            case _:
                return EventType.QUEUED, {"run_at": _text(self.run_at)}


class JobTag(models.Model):
    """A job's tag, for finding jobs by tag."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="tag_rows")
    name = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "job"], name="pushjobs_jobtag_name"),
        ]

    def __str__(self) -> str:
        return self.name


def _text(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
