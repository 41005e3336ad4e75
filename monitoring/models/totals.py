"""The totals: all that was ever stored of a series, for counters that only grow."""

from __future__ import annotations

from django.db import models

from monitoring.models.series import Series


class Total(models.Model):
    """What a counter or a latency series has come to since `since`. Written with the seconds, in one transaction, so
    that a restart, another aggregator or a repeated flush neither loses nor doubles.
    """

    series = models.OneToOneField(Series, on_delete=models.PROTECT, primary_key=True, related_name="+")
    since = models.BigIntegerField(help_text="Epoch second of the first blob that is in it.")
    value = models.FloatField(default=0, help_text="Sum of a counter, number of observations of a latency.")
    seconds = models.FloatField(default=0, help_text="Sum of the durations of a latency.")
    packed = models.BinaryField(default=b"", help_text="monitoring.metrics.sketch.encode of {bucket: count}.")

    def __str__(self) -> str:
        return f"{self.series_id}: {self.value:g}"
