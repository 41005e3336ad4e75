"""Alerts: rules, what each of their instances is in, episodes, silences, channels, and the outbox of notifications."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, F, IntegerField, Q, Value, When
from django.utils import timezone

from monitoring.ids import uuid7


class Severity(models.TextChoices):
    INFO = "info", "Info"
    WARNING = "warning", "Warning"
    CRITICAL = "critical", "Critical"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return _RANKS[self]


_RANKS: Final = {severity.value: rank for rank, severity in enumerate(Severity)}


class AlertRule(models.Model):
    """What has to be so for an alert, as data. `monitoring.alerts.rules` validates and changes it."""

    class Kind(models.TextChoices):
        THRESHOLD = "threshold", "Threshold"
        RATE = "rate", "Rate or share"
        RATIO = "ratio", "Against a baseline"
        BURN = "burn", "Burn rate of an error budget"
        EVENT = "event", "Event"

    class Measure(models.TextChoices):
        P50 = "p50", "p50 (ms)"
        P95 = "p95", "p95 (ms)"
        P99 = "p99", "p99 (ms)"
        MEAN = "mean", "mean (ms)"
        COUNT = "count", "count in the window"
        RATE = "rate", "per second"
        SHARE = "share", "share of the denominator (%)"
        VALUE = "value", "latest value"
        AVERAGE = "average", "average value"
        MAX = "max", "largest value"
        MIN = "min", "smallest value"

    class Comparison(models.TextChoices):
        ABOVE = "above", "Above"
        BELOW = "below", "Below"

    class NoData(models.TextChoices):
        ALERT = "alert", "Alert"
        KEEP = "keep", "Keep the last state"
        OK = "ok", "Good"

    class Baseline(models.TextChoices):
        NONE = "", "None"
        CONTROL = "control", "The control cohort"
        BEFORE = "before", "The period before"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True, help_text='Such as "queue-depth"; it never changes.')
    title = models.CharField(max_length=120, help_text="What people read, such as “More than 1,000 jobs wait”.")
    summary = models.CharField(max_length=300, blank=True)
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.THRESHOLD)
    metric = models.CharField(
        max_length=200, help_text="A series, several with + between them, or with one *: an instance per series."
    )
    measure = models.CharField(max_length=7, choices=Measure.choices)
    denominator = models.CharField(max_length=200, blank=True, help_text="Of a share; * is the metric's.")
    window_s = models.PositiveIntegerField()
    comparison = models.CharField(max_length=5, choices=Comparison.choices, default=Comparison.ABOVE)
    thresholds = models.JSONField(help_text="[{severity, fire, clear}], of a burn rate with long_s and short_s.")
    for_s = models.PositiveIntegerField(default=0)
    keep_firing_s = models.PositiveIntegerField(default=0)
    min_events = models.PositiveIntegerField(default=0, help_text="Fewer in the window are no data.")
    no_data = models.CharField(max_length=5, choices=NoData.choices, default=NoData.OK)
    baseline = models.CharField(max_length=7, choices=Baseline.choices, default=Baseline.NONE, blank=True)
    objective = models.FloatField(null=True, blank=True, help_text="Of a burn rate: 0.999 of all requests are good.")
    labels = models.JSONField(default=dict, blank=True, help_text="{name: value}; what alerts are grouped by.")
    recommendation = models.TextField(max_length=2000, blank=True, help_text="What to do, a step per line.")
    link = models.CharField(max_length=200, blank=True, help_text='The page that shows why, such as "queues?range=1h".')
    channels = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="None: all channels.")
    is_enabled = models.BooleanField(default=True)
    is_builtin = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def severity(self) -> Severity:
        """The worst that it can become."""
        return max((Severity(each["severity"]) for each in self.thresholds), key=lambda each: each.rank)


class AlertState(models.Model):
    """Where one instance (rule and labels) stands: the clocks live here, so a restart keeps them."""

    class Phase(models.TextChoices):
        NORMAL = "normal", "Normal"
        PENDING = "pending", "Pending"
        FIRING = "firing", "Firing"
        RECOVERING = "recovering", "Recovering"
        NO_DATA = "no_data", "No data"
        ERROR = "error", "Error"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="states")
    fingerprint = models.CharField(max_length=32, help_text="Of the labels.")
    labels = models.JSONField(default=dict)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.NORMAL)
    severity = models.CharField(max_length=8, choices=Severity.choices, blank=True)
    since = models.BigIntegerField(help_text="Epoch second at which the phase began.")
    clocks = models.JSONField(default=dict, help_text="{severity: epoch second since which at least that is crossed}.")
    easing_since = models.BigIntegerField(null=True, blank=True)
    flips = ArrayField(models.BigIntegerField(), default=list, help_text="When it began to fire, in the last hour.")
    is_flapping = models.BooleanField(default=False)
    missed = models.PositiveSmallIntegerField(default=0, help_text="Evaluations in a row that did not find its series.")
    value = models.FloatField(null=True, blank=True, help_text="In the rule's unit.")
    why = models.CharField(max_length=200, blank=True, help_text="Of no data or an error.")
    tick = models.BigIntegerField(help_text="Epoch second of its last evaluation.")
    alert = models.ForeignKey("Alert", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "fingerprint"], name="one_state_of_an_instance"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.labels}: {self.phase}"


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> AlertQuerySet:
        """Those that have not ended."""
        return self.filter(resolved_at=None)

    def resolved_between(self, start: datetime, end: datetime) -> AlertQuerySet:
        """Those that ended at `start` or later and before `end`, the latest first."""
        return self.filter(resolved_at__gte=start, resolved_at__lt=end).order_by("-resolved_at", "-id")

    def of(self, severity: str) -> AlertQuerySet:
        return self.filter(severity=severity)

    def matching(self, text: str) -> AlertQuerySet:
        """Those whose rule, title or instance has the text."""
        return self.filter(Q(rule_name__icontains=text) | Q(title__icontains=text) | Q(instance__icontains=text))

    def worst_first(self) -> AlertQuerySet:
        """Critical before warning before info, and the oldest of each first."""
        whens = [When(severity=severity.value, then=Value(-severity.rank)) for severity in Severity]
        need = Case(*whens, default=Value(0), output_field=IntegerField())
        return self.alias(need=need).order_by("need", "firing_since", "id")


class Alert(models.Model):
    """One episode of one instance, from the moment it fired until it resolved."""

    STEPS = 200

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.ForeignKey(AlertRule, null=True, on_delete=models.SET_NULL, related_name="alerts")
    rule_name = models.CharField(max_length=80)
    title = models.CharField(max_length=120)
    labels = models.JSONField(default=dict, help_text="The rule's and the instance's.")
    instance = models.CharField(max_length=100, blank=True, help_text="What the pattern's * stands for.")
    fingerprint = models.CharField(max_length=32)
    phase = models.CharField(
        max_length=10, choices=[("firing", "Firing"), ("recovering", "Recovering"), ("resolved", "Resolved")]
    )
    severity = models.CharField(max_length=8, choices=Severity.choices)
    worst = models.CharField(max_length=8, choices=Severity.choices)
    pending_since = models.DateTimeField()
    firing_since = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)
    value = models.FloatField(null=True, blank=True, help_text="The latest, in the rule's unit.")
    peak = models.FloatField(null=True, blank=True)
    threshold = models.FloatField(help_text="That it crossed; of its severity.")
    clear = models.FloatField(help_text="At which it recovers.")
    window_s = models.PositiveIntegerField()
    unit = models.CharField(max_length=8, blank=True)
    is_no_data = models.BooleanField(default=False, help_text="It fires because there is nothing to judge.")
    is_flapping = models.BooleanField(default=False)
    is_inhibited = models.BooleanField(default=False, help_text="A worse one tells the same.")
    steps = models.JSONField(default=list, help_text="[{at, word, text, actor}], the oldest first.")
    traces = models.JSONField(default=list, help_text="Slow requests of the window: [{trace_id, ms, operation}].")
    changes = models.JSONField(default=list, help_text="Events of the half hour before: [{at, kind, text, tone}].")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    note = models.CharField(max_length=500, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)

    silence: Silence | None  # these two by whoever presents it: they depend on the moment
    is_quiet: bool

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule_name", "fingerprint"], condition=Q(resolved_at=None), name="one_open_alert_of_an_instance"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["-resolved_at", "-id"], name="alert_resolved"),
            models.Index(fields=["-firing_since", "-id"], name="alert_fired"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_name} {self.instance}".strip()


class SilenceQuerySet(models.QuerySet["Silence"]):
    def active_at(self, now: datetime) -> SilenceQuerySet:
        """Those that silence at `now`."""
        return self.filter(starts_at__lte=now, ends_at__gt=now)

    def coming_at(self, now: datetime) -> SilenceQuerySet:
        """Those that begin later."""
        return self.filter(starts_at__gt=now).order_by("starts_at")


class Silence(models.Model):
    """Nobody is notified of the alerts that it matches while it lasts. Begun later, it is a maintenance window."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    matchers = models.JSONField(help_text="[{label, op, value}]; op is = or =~; all must match.")
    author = models.CharField(max_length=150)
    reason = models.CharField(max_length=200)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_by = models.CharField(max_length=150, blank=True, help_text="Empty when it expires.")
    created_at = models.DateTimeField(default=timezone.now)
    is_maintenance = models.BooleanField(default=False)

    objects = SilenceQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="silence_end")]

    def __str__(self) -> str:
        return self.reason


class Channel(models.Model):
    """A way to reach somebody. `target` and `secret` are encrypted; they are never shown or logged."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Signed webhook"
        SLACK = "slack", "Slack-compatible webhook"
        APPRISE = "apprise", "Apprise"
        HEARTBEAT = "heartbeat", "Heartbeat"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=60, unique=True, help_text="It never changes: rules name it.")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    target = models.TextField(help_text="Sealed: addresses or a URL.")
    secret = models.TextField(blank=True, help_text="Sealed: the key of a webhook's signature.")
    shown = models.CharField(max_length=200, help_text="What of the target may be seen.")
    is_enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True, blank=True, help_text="The last that arrived.")
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True, help_text="Of the last that failed; empty since one arrived.")

    new_secret: str = ""  # what was made for it, to be shown once; only on what made it returns

    def __str__(self) -> str:
        return self.name


class AlertGroup(models.Model):
    """What a channel was last told of the alerts of one group."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=300, help_text="The rules' worst severity and labels.")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    waiting_since = models.DateTimeField(null=True, blank=True, help_text="When there was something to tell first.")
    told_at = models.DateTimeField(null=True, blank=True)
    told = models.JSONField(default=dict, help_text="{alert id: severity, with what was said about it}.")
    round = models.PositiveIntegerField(default=0, help_text="Notifications so far.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "channel"], name="one_group_of_a_channel")]

    def __str__(self) -> str:
        return self.key


class NotificationQuerySet(models.QuerySet["Notification"]):
    def about(self, alert: Alert) -> NotificationQuerySet:
        """Those that tell of an alert, the latest first."""
        return self.filter(alerts__contains=[alert.pk]).order_by("-created_at", "-id")

    def dead(self) -> NotificationQuerySet:
        """Those that were given up, the latest first."""
        return self.filter(state=Notification.State.DEAD).order_by("-created_at", "-id")


class Notification(models.Model):
    """One message to one channel: a row first, sent afterwards, and again until it is known to have arrived."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sending"
        SENT = "sent", "Delivered"
        DEAD = "dead", "Given up"

    class About(models.TextChoices):
        FIRING = "firing", "Firing"
        RESOLVED = "resolved", "Resolved"
        REPEAT = "repeat", "Still firing"
        NOTICE = "notice", "Notice"  # of something that isn't an alert

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=64, unique=True, help_text="Hash of group, channel, alerts and round.")
    group = models.CharField(max_length=300)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notifications")
    about = models.CharField(max_length=8, choices=About.choices)
    alerts = ArrayField(models.UUIDField(), help_text="The alerts that it tells of.")
    message = models.JSONField(help_text="monitoring.alerts.notify.message: what is told.")
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(F("due_at"), condition=Q(state__in=["waiting", "sending"]), name="notification_due"),
            models.Index(fields=["created_at"], name="notification_age"),
            GinIndex(fields=["alerts"], name="notification_alerts"),
        ]

    def __str__(self) -> str:
        return f"{self.about} to {self.channel_id}"


class Evaluation(models.Model):
    """How far alerts are evaluated: one row, moved on by whoever evaluates a tick, so that it is done once."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    tick = models.BigIntegerField(help_text="Epoch second of the last evaluation.")
    took_ms = models.FloatField(default=0)
    rules = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0, help_text="Rules that could not be evaluated.")
    beaten_at = models.DateTimeField(null=True, blank=True, help_text="The last heartbeat that was sent.")
