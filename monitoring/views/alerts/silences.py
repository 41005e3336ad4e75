"""The silences' doors: those that hold, are planned and were; a new one, with what it matches now."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from monitoring.alerts import Problem, RefusedError
from monitoring.alerts import silences as verbs
from monitoring.alerts.people.silences import Matcher
from monitoring.console import pages
from monitoring.console.field import Field
from monitoring.console.pages import REASON_LEAST, Fact, Question
from monitoring.formats import age, zone
from monitoring.models import Alert, AlertRule, Severity, Silence
from monitoring.views.alerts import frame
from monitoring.views.alerts.fired import acts, listing
from monitoring.views.alerts.fired.listing import Row
from monitoring.views.alerts.frame import Choice, address, told, with_problem
from monitoring.views.alerts.words import Mark, counted, moment

TEMPLATE: Final = "monitoring/alerts/silences.html"
MAY_ADD, MAY_CHANGE = "monitoring.add_silence", "monitoring.change_silence"
MOST: Final = 50
STATES: Final = {"": "Active", "planned": "Planned", "over": "Ended"}
LENGTHS: Final = (
    ("1", "1 hour"),
    ("4", "4 hours"),
    ("24", "24 hours"),
    ("72", "3 days"),
    ("168", "7 days"),
    ("720", "30 days"),
)
MATCHED: Final = ("rule", "severity", "labels")
NAMES: Final = (*MATCHED, "starts_at", "hours", "reason")
MARKS: Final = {
    "": Mark("Silences", "hand", "mute"),
    "planned": Mark("Planned", "info", "clock"),
    "over": Mark("Ended", "off", "check"),
}
EXAMPLE: Final = "component=queue"


@dataclass(frozen=True, slots=True)
class Line:
    """One silence. `href` asks before it ends."""

    mark: Mark
    matchers: str
    reason: str
    when: str
    left: str
    actor: str
    href: str


@dataclass(frozen=True, slots=True)
class Form:
    """`preview` is what the matchers match now, None before there are any."""

    matchers: list[Field]
    fields: list[Field]
    problem: str
    preview: list[Row] | None
    preview_words: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def alert_silences(request: HttpRequest) -> HttpResponse:
    """The silences of a state; a POST makes one, or shows what it would match."""
    now = timezone.now()
    sent = request.POST if request.method == "POST" else request.GET
    given = {name: sent.get(name, "")[:500] for name in NAMES}
    if request.method != "POST":
        return _shown(request, given, {}, now)
    if "preview" in request.POST:
        return HttpResponseRedirect(address("alert-silences", given) + "#t-new")
    return _make(request, given, now)


@require_safe
@login_required
def alert_silence_preview(request: HttpRequest) -> TemplateResponse:
    """What the chosen matchers match now, for HTMX to put under them."""
    given = {name: request.GET.get(name, "")[:500] for name in NAMES}
    page = {"form": _form(given, {}, timezone.now())}
    return TemplateResponse(request, f"{TEMPLATE}#preview", {"page": page})


@login_required
@permission_required(MAY_CHANGE, raise_exception=True)
def alert_silence_end(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks why, then ends a silence now."""
    now = timezone.now()
    silence = get_object_or_404(Silence, pk=id)
    matchers = _matchers(silence)
    matched = verbs.preview(matchers, now)
    question = Question(
        title="End this silence?",
        verb="End silence",
        keep="Keep it",
        back=reverse("alert-silences"),
        about=silence.reason,
        facts=(
            Fact("Would be told of", listing.several(len(matched)), "that fire now"),
            Fact("Holds until", moment(silence.ends_at, now), f"by {silence.author}"),
            Fact("Matches", counted(len(matchers), "label"), ", ".join(map(str, matchers))),
        ),
        icon="bell",
    )
    answer = pages.ask(request, question)
    if isinstance(answer, HttpResponse):
        return answer
    try:
        verbs.end(silence.pk, actor=answer.actor, reason=answer.reason, now=now)
    except RefusedError as refusal:
        return pages.refused(request, answer.back, f"Nothing was changed. {told(refusal)}")
    frame.changed()
    return pages.done(request, answer.back, "The silence has ended: what fires is told again.")


@login_required
@permission_required(MAY_ADD, raise_exception=True)
def alert_silence_all(request: HttpRequest) -> HttpResponse:
    """Asks, then silences every alert for a while."""
    now = timezone.now()
    matchers = everything()
    answer = pages.ask(request, acts.silence_question("everything", matchers, reverse("alerts"), now, is_all=True))
    return answer if isinstance(answer, HttpResponse) else acts.silence(request, "Everything is", matchers, answer, now)


def everything() -> list[Matcher]:
    return verbs.parse("severity=~.*")


def _make(request: HttpRequest, given: dict[str, str], now: datetime) -> HttpResponse:
    if not request.user.has_perm(MAY_ADD):
        raise PermissionDenied
    problems: dict[str, Problem] = {}
    matchers = parse(given, problems)
    starts_at = _start(given["starts_at"], now, problems)
    if given["hours"] not in dict(LENGTHS):
        problems["hours"] = Problem("Choose for how long")
    if len(given["reason"].strip()) < REASON_LEAST:
        problems["reason"] = Problem("A reason has 8 characters or more")
    if problems:
        return _shown(request, given, problems, now)
    try:
        made = verbs.create(
            matchers=matchers,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=int(given["hours"])),
            reason=given["reason"].strip(),
            actor=request.user.get_username(),
            now=now,
            is_maintenance=starts_at > now,
        )
    except RefusedError as refusal:
        return _shown(request, given, refusal.problems, now)
    said = (
        f"Silenced until {moment(made.ends_at, now)}."
        if made.starts_at <= now
        else f"Planned for {moment(made.starts_at, now)}."
    )
    frame.changed()
    back = address("alert-silences", {"state": "" if made.starts_at <= now else "planned"})
    return pages.done(request, back, said, undo=reverse("alert-silence-end", args=[made.pk]))


def parse(given: Mapping[str, str], problems: dict[str, Problem]) -> list[Matcher]:
    """The matchers that the form tells; what is wrong with them goes to `problems`."""
    lines = [f'{name}="{given[name]}"' for name in ("rule", "severity") if given[name]]
    if not lines and not given["labels"].strip():
        problems["labels"] = Problem("It would match every alert", "Choose a rule or a severity, or write a label")
        return []
    try:
        return verbs.parse("\n".join([*lines, given["labels"]]))
    except RefusedError as refusal:
        problems["labels"] = next(iter(refusal.problems.values()))
        return []


def _start(text: str, now: datetime, problems: dict[str, Problem]) -> datetime:
    """Now, unless the form names another moment, in the zone that is chosen."""
    if not text:
        return now
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        problems["starts_at"] = Problem(f"{text[:20]!r} is no moment", "Such as 2026-11-21T14:00")
        return now
    return said if said.tzinfo else timezone.make_aware(said)


def _form(given: Mapping[str, str], problems: Mapping[str, Problem], now: datetime) -> Form:
    def made(**field: Any) -> Field:
        return with_problem(field | {"value": given[field["name"]]}, problems)

    rules = (("", "Any rule"), *AlertRule.objects.order_by("title").values_list("name", "title")[:500])
    severities = (("", "Any severity"), *((each.value, each.label) for each in reversed(Severity)))
    matchers = [
        made(name="rule", label="Rule", kind="select", options=rules, width="half"),
        made(name="severity", label="Severity", kind="select", options=severities, width="half"),
        made(
            name="labels",
            label="Labels",
            kind="area",
            rows=2,
            width="wide",
            example=EXAMPLE,
            hint="One in each line; all must match. breaker=~openai.* is a pattern.",
        ),
    ]
    fields = [
        made(
            name="starts_at",
            label="From",
            kind="datetime-local",
            width="half",
            hint=f"Empty: now. Later is a maintenance window. Times are {zone()}.",
        ),
        made(name="hours", label="For", kind="select", options=LENGTHS, width="half", hint="It ends by itself."),
        made(
            name="reason",
            label="Reason",
            kind="area",
            rows=2,
            width="wide",
            most=200,
            hint="Kept with your name. 8 characters or more.",
        ),
    ]
    problem = str(problems["matchers"]) if "matchers" in problems else ""
    return Form(matchers, fields, problem, **_preview(given, now))


def _preview(given: Mapping[str, str], now: datetime) -> dict[str, Any]:
    if not any(given[name] for name in MATCHED):
        return {"preview": None}
    problems: dict[str, Problem] = {}
    matchers = parse(given, problems)
    if problems:
        return {"preview": [], "preview_words": str(problems["labels"]) + "."}
    found = verbs.preview(matchers, now)
    rows = [_previewed(alert, now) for alert in found[:10]]
    said = f"Matches {listing.several(len(found))} that {'fires' if len(found) == 1 else 'fire'} now"
    return {
        "preview": rows,
        "preview_words": f"{said}." if found else "Matches no alert that fires now; later ones it does.",
    }


def _previewed(alert: Alert, now: datetime) -> Row:
    row = listing.of_alert(alert, now)
    return replace(row, href=address("alerts", {"alert": row.key}))


def _shown(
    request: HttpRequest, given: dict[str, str], problems: Mapping[str, Problem], now: datetime
) -> TemplateResponse:
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    counts, rows = _rows(state, now)
    page = {
        "about": _about(counts),
        "title": f"{STATES[state]} silences",
        "states": [
            Choice(key or "active", word, address("alert-silences", {"state": key}), counts[key], key == state)
            for key, word in STATES.items()
        ],
        "rows": rows,
        "more": max(0, counts[state] - len(rows)),
        "nothing": {"": "No silence holds now", "planned": "None is planned", "over": "None has ended yet"}[state],
        "form": _form(given, problems, now),
        "refused": frame.refused(request, MAY_ADD, "silences"),
        "all": reverse("alert-silence-all"),
    }
    context = {"page": page} | frame.places("alert-silences")
    return TemplateResponse(request, TEMPLATE, context, status=422 if problems else 200)


def _rows(state: str, now: datetime) -> tuple[dict[str, int], list[Line]]:
    """How many there are of each state, and the lines of the wanted one."""
    active = Silence.objects.active_at(now).order_by("ends_at")
    sets = {
        "": active,
        "planned": Silence.objects.coming_at(now),
        "over": Silence.objects.filter(ends_at__lte=now).order_by("-ends_at"),
    }
    counts = {key: found.count() for key, found in sets.items()}
    return counts, [_line(silence, state, now) for silence in sets[state][:MOST]]


def _line(silence: Silence, state: str, now: datetime) -> Line:
    left = {
        "": f"{age((silence.ends_at - now).total_seconds())} left",
        "planned": f"in {age((silence.starts_at - now).total_seconds())}",
        "over": f"ended by {silence.ended_by}" if silence.ended_by else "expired",
    }
    return Line(
        mark=MARKS[state],
        matchers=", ".join(map(str, _matchers(silence))),
        reason=silence.reason,
        when=f"{moment(silence.starts_at, now)} to {moment(silence.ends_at, now)}",
        left=left[state],
        actor=silence.author,
        href="" if state == "over" else reverse("alert-silence-end", args=[silence.pk]),
    )


def _matchers(silence: Silence) -> list[Matcher]:
    return [Matcher(**each) for each in silence.matchers]


def _about(counts: Mapping[str, int]) -> str:
    held = f"{counted(counts[''], 'silence holds', 'silences hold')}" if counts[""] else "everything is told"
    return f"{held}, {counts['planned']} planned" if counts["planned"] else held
