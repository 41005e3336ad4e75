"""The API's group of readiness: the score with what to do, and how it went."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema

from monitoring.health.readiness import history
from monitoring.health.readiness.assess import Judged, recent
from monitoring.metrics import read

router = Router(tags=["readiness"])
Range = Literal["15m", "1h", "6h", "24h", "7d", "30d", "13mo"]


class RuleOut(Schema):
    """`good` is 0 to 1 and null, like `value`, where nothing is known. `points` is what mending it would bring."""

    name: str
    title: str
    component: str
    state: str
    value: float | None
    unit: str
    limit: str
    good: float | None
    weight: float
    level: str
    blocking: bool
    points: float
    what_to_do: str
    as_of: datetime


class ReadinessOut(Schema):
    """`score` is of 100, null where nothing is known; `confidence` the percent of all weight that is known."""

    score: float | None
    confidence: float
    level: str | None
    capped: bool
    at: datetime
    took_ms: float
    top: list[str]
    rules: list[RuleOut]


class Point(Schema):
    at: datetime
    score: float | None
    confidence: float | None


class History(Schema):
    """A point for each step of the range that had an assessment, oldest first."""

    range: str
    step_s: int
    items: list[Point]
    next: None = None


@router.get("", response=ReadinessOut, url_name="get_readiness")
def get_readiness(request: HttpRequest) -> dict[str, Any]:
    """How well the installation would stand a bad day: score, level, and each rule with what to do about it."""
    found = recent(now=timezone.now())
    score = found.score
    return {
        "score": None if score.value is None else round(score.value, 2),
        "confidence": round(score.confidence, 2),
        "level": score.level.value if score.level else None,
        "capped": score.is_capped,
        "at": found.at,
        "took_ms": round(found.took_ms, 2),
        "top": [each.rule.name for each in found.top],
        "rules": [_shown(each) for each in found.judged],
    }


@router.get("/history", response=History, url_name="readiness_history")
def readiness_history(request: HttpRequest, range: Annotated[Range, Query("24h")] = "24h") -> dict[str, Any]:
    """The score and the confidence over a range, as means of its steps."""
    span = read.span(range, now=timezone.now())
    scores, confidences = history.trend(span)
    points = [
        {"at": span.moment(step), "score": score, "confidence": confidence}
        for step, (score, confidence) in enumerate(zip(scores, confidences, strict=True))
        if confidence is not None
    ]
    return {"range": range, "step_s": span.step_s, "items": points}


def _shown(each: Judged) -> dict[str, Any]:
    rule = each.rule
    names = ("name", "title", "component", "unit", "limit", "weight")
    return {name: getattr(rule, name) for name in names} | {
        "state": each.state.value,
        "value": each.measured.value,
        "good": each.good,
        "level": rule.level.value,
        "blocking": rule.is_blocking,
        "points": round(each.points, 2),
        "what_to_do": each.what_to_do,
        "as_of": each.measured.at,
    }
