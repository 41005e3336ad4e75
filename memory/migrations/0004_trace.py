"""The trace of the request that submitted a job."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("memory", "0003_pipeline")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="job",
            name="trace",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The traceparent and the id of the request that asked for it.",
                max_length=120,
            ),
        ),
    ]
