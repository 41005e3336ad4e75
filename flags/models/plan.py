"""A rollout plan: stages that a flag's share climbs, as long as its guard sees no harm."""

from __future__ import annotations

from django.db import models

from flags.models.flag import Flag
from monitoring.ids import uuid7


class RolloutPlan(models.Model):
    """One rollout of one flag through stages. Its cohorts are the flag's versions from `began_version` on.

    `flag_version` is the version that the plan itself set last: another one means that somebody changed the flag by
    hand, which holds the plan. `causes` are why it is held, `accepted` those that a person resumed in spite of.
    """

    class State(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        RUNNING = "running", "Running"
        HELD = "held", "Held"
        ASKING = "asking", "Needs a decision"
        DONE = "done", "Complete"
        ROLLED_BACK = "rolled_back", "Rolled back"
        ENDED = "ended", "Ended"

    OPEN = (State.SCHEDULED, State.RUNNING, State.HELD, State.ASKING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="plans")
    template = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.SCHEDULED)
    policy = models.JSONField(default=dict, blank=True, help_text="What differs from the guard's default policy.")
    starts_at = models.DateTimeField(help_text="When its first stage begins, or began.")
    began_version = models.PositiveIntegerField(null=True, blank=True)
    flag_version = models.PositiveIntegerField(null=True, blank=True)
    stage = models.PositiveSmallIntegerField(default=0, help_text="From 1; 0 before the first begins.")
    looks = models.PositiveIntegerField(default=0)
    looked_at = models.DateTimeField(null=True, blank=True)
    slow_ms = models.FloatField(null=True, blank=True, help_text="Slower is slow: control's p95 when it began.")
    certified_percent = models.DecimalField(max_digits=6, decimal_places=3, default=0)
    causes = models.JSONField(default=list, blank=True)
    accepted = models.JSONField(default=list, blank=True)
    told = models.JSONField(default=dict, blank=True, help_text="When people were told of each cause last.")
    said = models.CharField(max_length=1000, blank=True, help_text="What the last look said, in words.")
    evidence = models.JSONField(null=True, blank=True, help_text="What the last look rests on.")
    is_held_by_hand = models.BooleanField(default=False)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("flag",),
                condition=models.Q(state__in=("scheduled", "running", "held", "asking")),
                name="flags_plan_one_open",
            ),
        )


class Stage(models.Model):
    """One step of a plan: at least so long at this share. Only minutes in which something was measured count."""

    LIMIT = 20  # of one plan

    plan = models.ForeignKey(RolloutPlan, on_delete=models.CASCADE, related_name="stages")
    number = models.PositiveSmallIntegerField(help_text="From 1.")
    percent = models.DecimalField(max_digits=6, decimal_places=3)
    dwell_min = models.FloatField()
    soaked_min = models.FloatField(default=0)
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    is_certified = models.BooleanField(default=False)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("plan", "number"), name="flags_stage_once"),)
