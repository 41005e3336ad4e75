"""What the database was asked that took long, or too often: statements without values, and where they came from."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class SlowQuery(models.Model):
    """A statement, told by its fingerprint. Values are never kept: the template has `%s` where they were."""

    fingerprint = models.CharField(max_length=16, primary_key=True)
    template = models.TextField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField(db_index=True)
    plan = models.JSONField(null=True, blank=True, help_text="PostgreSQL's plan for any values, as it last was.")
    plan_problem = models.CharField(max_length=300, blank=True, help_text="Why there is no plan.")
    planned_at = models.DateTimeField(null=True, blank=True)
    proof = models.JSONField(null=True, blank=True, help_text="What an index was found to save, and how.")

    class Meta:
        verbose_name_plural = "slow queries"

    def __str__(self) -> str:
        return self.fingerprint


class QueryUse(models.Model):
    """Five minutes of one statement at one place: its slow runs, and the requests that repeated it. Kept 30 days."""

    WIDTH_S = 300

    pk = models.CompositePrimaryKey("query_id", "route", "start")
    query = models.ForeignKey(SlowQuery, on_delete=models.CASCADE, related_name="uses", db_index=False)
    route = models.CharField(max_length=100, help_text="An operation's name, or `job` and its kind; empty elsewhere.")
    start = models.BigIntegerField(help_text="Epoch second at which the five minutes begin.")
    slow = models.IntegerField(default=0, help_text="Runs that took longer than the threshold.")
    seconds = models.FloatField(default=0, help_text="Those runs together.")
    longest = models.FloatField(default=0, help_text="The longest of them, in seconds.")
    rows = models.BigIntegerField(default=0, help_text="Rows that they returned or changed.")
    repeats = models.IntegerField(default=0, help_text="Requests that ran it ten times or more.")
    repeated = models.IntegerField(default=0, help_text="Its runs in those requests.")
    repeated_s = models.FloatField(default=0, help_text="Those runs together, in seconds.")
    most = models.IntegerField(default=0, help_text="The most runs in one request.")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["start"], name="queryuse_start")]


class QueryPolicy(models.Model):
    """From when on a query is slow, where an operator said so: one row. Without it the setting decides."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    slow_ms = models.PositiveIntegerField()
    actor = models.CharField(max_length=150)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "query policies"
