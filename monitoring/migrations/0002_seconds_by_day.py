"""The table of seconds, partitioned by day: old days are dropped, never deleted row by row.

The aggregator makes the partitions of yesterday, today and tomorrow. Django knows the model, and so empties the table
between tests, but can't write PARTITION BY itself.
"""

from __future__ import annotations

import django.contrib.postgres.fields
from django.db import migrations, models

CREATE = """
CREATE TABLE monitoring_second (
    second bigint NOT NULL PRIMARY KEY,
    points real[] NOT NULL
) PARTITION BY RANGE (second)
"""


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_initial")]
    operations = [
        migrations.RunSQL(
            CREATE,
            "DROP TABLE monitoring_second",
            state_operations=[
                migrations.CreateModel(
                    name="Second",
                    fields=[
                        (
                            "second",
                            models.BigIntegerField(
                                help_text="Epoch second, UTC.", primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "points",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(null=True),
                                help_text="By slot: sum of a counter, count of a latency, value of a gauge.",
                                size=None,
                            ),
                        ),
                    ],
                ),
            ],
        )
    ]
