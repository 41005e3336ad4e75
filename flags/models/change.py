"""What was done to flags, and what waits for a second person."""

from __future__ import annotations

from django.db import models

from flags.models.flag import Flag
from monitoring.ids import uuid7


class FlagChange(models.Model):
    """One change of one flag: never changed itself, and kept when the flag is deleted.

    `before` and `after` hold only what differs. `version` is the flag's after it. `evidence` is what a guard saw.
    """

    class Action(models.TextChoices):
        CREATE = "create", "Created"
        RAISE = "raise", "Raised"
        LOWER = "lower", "Lowered"
        KILL = "kill", "Killed"
        EDIT = "edit", "Edited"
        OVERRIDE = "override", "Override"
        UNDO = "undo", "Undone"
        ADVANCE = "advance", "Advanced"
        ROLL_BACK = "roll_back", "Rolled back"
        OUTSIDE = "outside", "Changed outside"
        DELETE = "delete", "Deleted"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    flag = models.ForeignKey(Flag, null=True, on_delete=models.SET_NULL, related_name="changes")
    name = models.CharField(max_length=100, db_index=True)
    version = models.PositiveIntegerField()
    action = models.CharField(max_length=16, choices=Action.choices)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()
    evidence = models.JSONField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("flag", "-at"), name="flags_change_of_flag"),)


class Proposal(models.Model):
    """A raise that waits for a second person: `edit` is what would be changed at `version`."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"
        STALE = "stale", "Stale"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="proposals")
    version = models.PositiveIntegerField()
    edit = models.JSONField()
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("flag",), condition=models.Q(state="waiting"), name="flags_proposal_one_waits"
            ),
        )
