"""The totals of series, which /metrics exports as counters and histograms."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("monitoring", "0008_audit")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Total",
            fields=[
                (
                    "series",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="monitoring.series",
                    ),
                ),
                ("since", models.BigIntegerField(help_text="Epoch second of the first blob that is in it.")),
                (
                    "value",
                    models.FloatField(
                        default=0, help_text="Sum of a counter, number of observations of a latency."
                    ),
                ),
                ("seconds", models.FloatField(default=0, help_text="Sum of the durations of a latency.")),
                (
                    "packed",
                    models.BinaryField(
                        default=b"", help_text="monitoring.metrics.sketch.encode of {bucket: count}."
                    ),
                ),
            ],
        ),
    ]
