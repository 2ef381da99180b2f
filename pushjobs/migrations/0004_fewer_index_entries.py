"""Indexes without the rows that none of their queries looks for."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pushjobs", "0003_views"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint("job", "pushjobs_job_idempotency"),
        migrations.AddConstraint(
            "job",
            models.UniqueConstraint(
                condition=models.Q(("idempotency_key__isnull", False)),
                fields=("idempotency_scope", "idempotency_key"),
                name="pushjobs_job_idempotency",
            ),
        ),
        migrations.RemoveIndex("job", "pushjobs_job_owner"),
        migrations.AddIndex(
            "job",
            models.Index(
                condition=models.Q(("owner__isnull", False)),
                fields=["owner", "-id"],
                name="pushjobs_job_owner",
            ),
        ),
        migrations.AlterField(
            "job",
            "owner",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RemoveIndex("job", "pushjobs_job_expiry"),
        migrations.AddIndex(
            "job",
            models.Index(
                condition=models.Q(
                    ("announced__gte", models.F("version")), ("expires_at__isnull", False)
                ),
                fields=["expires_at"],
                name="pushjobs_job_expiry",
            ),
        ),
    ]
