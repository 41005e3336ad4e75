"""The flag: waffle's model with a salt for sticky buckets, a unit, a version and an owner."""

from __future__ import annotations

import secrets
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from waffle.models import AbstractUserFlag


def new_salt() -> str:
    return secrets.token_hex(8)


class Unit(models.TextChoices):
    """What is drawn into a rollout: the same unit always gets the same answer."""

    USER = "user", "User"
    CONVERSATION = "conversation", "Conversation"
    WORKSPACE = "workspace", "Workspace"


class Flag(AbstractUserFlag):
    """A switch with a share of units. Swapped in for waffle's own model before the first migration."""

    percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Share of units for which the flag is on, 0 to 100, in steps of 0.001.",
    )
    # waffle's default is True: superusers would pass every percentage unseen and spoil the cohorts
    superusers = models.BooleanField(default=False, help_text="Always on for superusers.")
    salt = models.CharField(
        max_length=64, default=new_salt, help_text="Decides who is in first. A new salt reshuffles."
    )
    unit = models.CharField(max_length=16, choices=Unit.choices, default=Unit.USER)
    version = models.PositiveIntegerField(default=1, editable=False)
    owner = models.CharField(max_length=100, blank=True)
    expires_on = models.DateField(null=True, blank=True, help_text="After this day the flag is listed as stale.")

    class Meta:
        ordering = ("name",)

    @property
    def share(self) -> Decimal:
        """Percent of units that get the flag now, 0 to 100."""
        if self.everyone is not None:
            return Decimal(100 if self.everyone else 0)
        return self.percent or Decimal(0)
