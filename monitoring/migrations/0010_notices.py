"""Notices: what channels are told that isn't an alert."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("monitoring", "0009_export")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="notification",
            name="about",
            field=models.CharField(
                choices=[
                    ("firing", "Firing"),
                    ("resolved", "Resolved"),
                    ("repeat", "Still firing"),
                    ("notice", "Notice"),
                ],
                max_length=8,
            ),
        ),
    ]
