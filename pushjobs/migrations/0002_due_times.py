from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pushjobs", "0001_initial")]

    operations = [
        migrations.RemoveIndex("job", "pushjobs_job_unannounced"),
        migrations.RenameField("job", "enqueued_at", "resend_at"),
        migrations.RenameField("job", "updated_at", "announce_at"),
        migrations.AlterField(
            "job",
            "resend_at",
            models.DateTimeField(
                blank=True,
                help_text="None until the broker has had the job for the first time.",
                null=True,
            ),
        ),
        migrations.AlterField(
            "job",
            "announce_at",
            models.DateTimeField(
                default=django.utils.timezone.now,
                help_text="When a relay announces the status if no one has yet.",
            ),
        ),
        migrations.AddField(
            "job",
            "output_lost",
            models.BooleanField(
                default=False,
                help_text="Whether the log may lack output, having been out of reach.",
            ),
        ),
        migrations.AddField("job", "sends", models.PositiveSmallIntegerField(default=0)),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["announce_at"],
                condition=models.Q(("announced__lt", models.F("version"))),
                name="pushjobs_job_unannounced",
            ),
        ),
    ]
