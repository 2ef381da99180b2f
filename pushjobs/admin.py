"""The admin: jobs can be looked at, searched and cancelled, but not written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from pushjobs import lifecycle
from pushjobs.exceptions import Conflict
from pushjobs.models import Job

if TYPE_CHECKING:
    JobModelAdmin = admin.ModelAdmin[Job]
else:  # Not generic at run time.
    JobModelAdmin = admin.ModelAdmin


@admin.register(Job)
class JobAdmin(JobModelAdmin):
    list_display = ("id", "name", "status", "attempt", "owner", "created_at", "finished_at")
    list_filter = ("status", "queue", "name")
    list_select_related = ("owner",)
    search_fields = ("=id", "name")
    show_full_result_count = False
    actions = ("cancel",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Those may cancel any job whom ``access`` lets cancel one."""
        return bool(request.user.has_perm("pushjobs.change_job"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only as a part of what they belong to: a user who is deleted.

        Else retention removes jobs, with their files, and only those that are over.
        """
        match = request.resolver_match
        if match is None or getattr(match.func, "model_admin", None) is self:
            return False
        return super().has_delete_permission(request, obj)

    @admin.action(description="Cancel the selected jobs", permissions=["cancel"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        asked = 0
        for job in jobs:
            try:
                lifecycle.cancel(job)
            except Conflict:
                continue
            asked += 1
        self.message_user(request, f"{asked} job(s) are being cancelled.", messages.SUCCESS)
