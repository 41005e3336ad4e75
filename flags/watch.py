"""What the aggregator does for plans each second: looks that are due, starts whose time has come, and what is old."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import DataError, IntegrityError, transaction
from django.db.models import F, Q

from flags import change, plan
from flags.errors import FlagError
from flags.models import RolloutPlan
from monitoring import metrics

LOOKS: Final = 2  # a second: many plans that are due at once spread out, and metrics are not kept waiting
NOTICE_S: Final = 60
PRUNE_S: Final = 3600
KEPT: Final = timedelta(days=396)  # as long as the audit log
PRUNED: Final = 100  # plans at a time
FAILED: Final = "flags.looks.failed"  # counted
TOOK: Final = "flags.look"  # latency of one look

logger = logging.getLogger(__name__)
State = RolloutPlan.State


class Watch:
    """The aggregator's part. A plan that can't be looked at is logged and counted, and holds up no other."""

    def __init__(self) -> None:
        self._noticed_at = 0
        self._pruned_at = 0

    def tick(self, second: int) -> None:
        now = datetime.fromtimestamp(second, UTC)
        if second - self._noticed_at >= NOTICE_S:
            change.noticed(now)
            self._noticed_at = second
        is_time = Q(state=State.SCHEDULED, starts_at__lte=now)
        rows = RolloutPlan.objects.filter(plan.due(now) | is_time).select_related("flag")
        for each in rows.order_by(F("looked_at").asc(nulls_first=True), "id")[:LOOKS]:
            self._watch(each, now)
        if second - self._pruned_at >= PRUNE_S:
            prune(now=now)
            self._pruned_at = second

    def _watch(self, each: RolloutPlan, now: datetime) -> None:
        try:
            if each.state == State.SCHEDULED:
                _begin(each, now)
            else:
                with metrics.timed(TOOK):
                    plan.look(each, now=now)
        except (FlagError, ArithmeticError, LookupError, TypeError, ValueError, DataError, IntegrityError) as problem:
            metrics.count(FAILED)
            logger.exception("event=look_failed flag=%s plan=%s", each.flag.name, each.pk)
            said = f"The last look failed ({type(problem).__name__}); the log says more. Nothing was changed."
            RolloutPlan.objects.filter(pk=each.pk).update(looked_at=now, said=said)


def prune(*, now: datetime) -> int:
    """Deletes some of the plans that ended more than 13 months ago; how many."""
    old = RolloutPlan.objects.filter(ended_at__lt=now - KEPT).order_by("ended_at")[:PRUNED]
    ids = list(old.values_list("pk", flat=True))
    RolloutPlan.objects.filter(pk__in=ids).delete()
    return len(ids)


def _begin(each: RolloutPlan, now: datetime) -> None:
    with transaction.atomic():
        rows = RolloutPlan.objects.select_for_update(skip_locked=True, of=("self",)).select_related("flag")
        mine = rows.filter(pk=each.pk, state=State.SCHEDULED).first()
        if mine is not None:
            plan.begin_scheduled(mine, now)
