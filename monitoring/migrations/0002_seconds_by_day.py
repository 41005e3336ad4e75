"""The table of seconds, partitioned by day: old days are dropped, never deleted row by row.

The aggregator makes the partitions of today and tomorrow.
"""

from __future__ import annotations

from django.db import migrations

CREATE = """
CREATE TABLE monitoring_second (
    second bigint NOT NULL PRIMARY KEY,
    points real[] NOT NULL
) PARTITION BY RANGE (second)
"""


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, "DROP TABLE monitoring_second")]
