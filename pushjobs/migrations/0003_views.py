from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pushjobs", "0002_due_times")]

    operations = [
        migrations.AddField(
            "job",
            "coalesce_key",
            models.CharField(
                blank=True,
                help_text=(
                    "What equal requests share: one that comes while the job is not over joins it."
                ),
                max_length=64,
                null=True,
            ),
        ),
        migrations.AddField(
            "job",
            "flash",
            models.JSONField(
                blank=True,
                help_text="Django messages that the client has yet to be given.",
                null=True,
            ),
        ),
        migrations.AlterField(
            "job",
            "retention",
            models.FloatField(help_text="Seconds after the end; infinite for ever."),
        ),
        migrations.AddField(
            "job",
            "retention_failed",
            models.FloatField(
                blank=True,
                help_text="The same of a job that failed or was cancelled, where it differs.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            "job",
            models.Index(
                condition=models.Q(("coalesce_key__isnull", False), ("status", "succeeded")),
                fields=["idempotency_scope", "coalesce_key", "-finished_at"],
                name="pushjobs_job_kept",
            ),
        ),
        migrations.AddConstraint(
            "job",
            models.UniqueConstraint(
                condition=models.Q(
                    ("coalesce_key__isnull", False),
                    ("status__in", ["scheduled", "queued", "running"]),
                ),
                fields=("idempotency_scope", "coalesce_key"),
                name="pushjobs_job_coalesced",
            ),
        ),
    ]
