"""The slowest requests; and room for sketches of whole days, which are wider than a small integer."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

import monitoring.ids


class Migration(migrations.Migration):
    dependencies: ClassVar = [("monitoring", "0003_breakers")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="SlowRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField(help_text="When it ended.")),
                ("operation", models.CharField(help_text="The name of its latency series.", max_length=100)),
                ("method", models.CharField(blank=True, help_text="Empty for a job.", max_length=8)),
                ("status", models.PositiveSmallIntegerField(default=0, help_text="Of HTTP; 0 for a job.")),
                ("is_failed", models.BooleanField(default=False)),
                ("seconds", models.FloatField()),
                (
                    "parts",
                    models.JSONField(default=dict, help_text="By part the seconds spent and the number of times."),
                ),
                ("trace_id", models.CharField(max_length=32)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("job_id", models.CharField(blank=True, max_length=36)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["at"], name="slowrequest_age"),
                    models.Index(fields=["operation", "-at"], name="slowrequest_operation"),
                ],
            },
        ),
        migrations.AlterField(
            model_name="latencysketch", name="width", field=models.PositiveIntegerField()
        ),
    ]
