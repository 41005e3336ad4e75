"""The flag: waffle's model with a salt for sticky buckets, a unit, rules, a schedule, a version and an owner."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.http import HttpRequest
from waffle.models import AbstractUserFlag

NAME = r"[a-z0-9._-]{1,100}"  # what a path of OFREP's can hold without escapes


def new_salt() -> str:
    return secrets.token_hex(8)


class Unit(models.TextChoices):
    """What is drawn into a rollout: the same unit always gets the same answer."""

    USER = "user", "User"
    CONVERSATION = "conversation", "Conversation"
    WORKSPACE = "workspace", "Workspace"
    SERVICE = "service", "Service"  # what Holdfast itself calls, such as a provider


class Kind(models.TextChoices):
    """What a flag is for, which says how long it should live."""

    RELEASE = "release", "Release"
    EXPERIMENT = "experiment", "Experiment"
    OPERATIONAL = "operational", "Operational"
    SAFETY = "safety", "Safety"


class Flag(AbstractUserFlag):
    """A switch with a share of units. Swapped in for waffle's own model before the first migration.

    `everyone` False is off or killed, and keeps `percent` for when it is given back to the rollout. Every write raises
    `version`, by a trigger where the writer doesn't. Change it by `flags.change`, which knows the rules.
    """

    # who is told of a write, and who answers for `waffle.flag_is_active`: set by what stands above the model
    on_write: ClassVar[list[Callable[[], None]]] = []
    asked: ClassVar[Callable[[Flag, HttpRequest], bool] | None] = None

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
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.RELEASE)
    is_locked = models.BooleanField(default=False, help_text="Only admins may change it.")
    rules = models.JSONField(
        default=list, blank=True, help_text="The first that fits decides, before the percentage: see docs/flags.md."
    )
    needs = models.JSONField(default=list, blank=True, help_text="Names of flags that must be on for the unit too.")
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Off before.")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Off from then on.")

    class Meta:
        ordering = ("name",)
        permissions = (("approve_flag", "May change locked flags"),)

    def clean(self) -> None:
        RegexValidator(rf"^{NAME}\Z", "Use 1 to 100 of a-z, 0-9, '.', '_' and '-'.")(self.name)

    @classmethod
    def get(cls, name: str) -> Flag:
        """What `waffle.flag_is_active` asks next needs the name only, so no row is read."""
        return cls(name=name, salt="-")

    def is_active(self, request: HttpRequest, read_only: bool = False) -> bool:
        """The answer that evaluation gives, for the units of the request. Nothing is rolled, and nothing remembered."""
        return self.asked is not None and self.asked(request)

    def flush(self) -> None:
        """After a write: whoever keeps flags in this process and in others. Waffle keeps none: its cache is none."""
        for tell in self.on_write:
            tell()
            if transaction.get_connection().in_atomic_block:
                transaction.on_commit(tell)  # before, nobody else can see it

    @property
    def share(self) -> Decimal:
        """Percent of units that get the flag now, 0 to 100."""
        if self.everyone is not None:
            return Decimal(100 if self.everyone else 0)
        return self.percent or Decimal(0)


class Flagset(models.Model):
    """What holds for all flags, in one row (id 1): its version rises with every write of any of them, by a trigger."""

    ONLY = 1

    version = models.PositiveBigIntegerField(default=1)
    is_frozen = models.BooleanField(default=False, help_text="Nobody changes a flag, but killing one.")
    is_guard_paused = models.BooleanField(default=False, help_text="Guards and plans watch, and act on nothing.")
    approval_over = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Raising beyond this share needs a second person.",
    )
    actor = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(null=True, blank=True)


class Override(models.Model):
    """A unit that always or never gets a flag, whatever its share."""

    LIMIT = 1000  # of one flag

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="overrides")
    unit = models.CharField(max_length=200)
    is_on = models.BooleanField()
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("flag", "unit"), name="flags_override_once"),)
