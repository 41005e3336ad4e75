"""What may be done to an alert: acknowledge it, take that back, snooze it, silence what it is of."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from monitoring import alerts as engine
from monitoring.alerts import silences
from monitoring.console import pages
from monitoring.console.pages import Answer, Choice, Fact, Question
from monitoring.formats import age, zone
from monitoring.models import Alert, AlertState, Channel
from monitoring.views.alerts import frame, words
from monitoring.views.alerts.fired import listing
from monitoring.views.alerts.fired.page import MAY_CHANGE, MAY_SILENCE
from monitoring.views.alerts.frame import told
from monitoring.views.alerts.words import counted

HOURS = (("1", "1 hour"), ("4", "4 hours"), ("24", "24 hours"), ("72", "3 days"), ("168", "7 days"))
HOW_LONG = Choice("hours", "For how long", HOURS, "It ends by itself, and who is to know is told then.")
Done = tuple[str, str]  # what is said afterwards, and where it is undone


@dataclass(frozen=True, slots=True)
class Deed:
    """`about` is the line under the question."""

    words: str
    about: str
    keep: str
    icon: str
    do: Callable[[Alert, Answer, datetime], Done]
    lasts: bool = False


def _acknowledge(alert: Alert, answer: Answer, now: datetime) -> Done:
    engine.acknowledge(alert.pk, actor=answer.actor, note=answer.reason, now=now)
    return f"“{alert.title}” is acknowledged.", reverse("alert-act", args=[alert.pk, "unacknowledge"])


def _unacknowledge(alert: Alert, answer: Answer, now: datetime) -> Done:
    engine.unacknowledge(alert.pk, actor=answer.actor, reason=answer.reason, now=now)
    return f"Nobody has “{alert.title}” any more.", ""


def _snooze(alert: Alert, answer: Answer, now: datetime) -> Done:
    until = now + words.hours(answer.chosen["hours"])
    engine.snooze(alert.pk, until=until, actor=answer.actor, reason=answer.reason, now=now)
    return f"“{alert.title}” is snoozed until {words.moment(until, now)}.", reverse(
        "alert-act", args=[alert.pk, "wake"]
    )


def _wake(alert: Alert, answer: Answer, now: datetime) -> Done:
    engine.snooze(alert.pk, until=now, actor=answer.actor, reason=answer.reason, now=now)
    return f"People are told of “{alert.title}” again.", ""


DEEDS = {
    "acknowledge": Deed(
        words="Acknowledge",
        about="You have it: others see that, and the reminders stop.",
        keep="Leave it open",
        icon="tick",
        do=_acknowledge,
    ),
    "unacknowledge": Deed(
        words="Take back",
        about="Nobody has it again, and the reminders go on.",
        keep="Keep it",
        icon="restore",
        do=_unacknowledge,
    ),
    "snooze": Deed(
        words="Snooze",
        about="Nobody is told of this one until then. It stays in the list.",
        keep="Stay told",
        icon="pause",
        do=_snooze,
        lasts=True,
    ),
    "wake": Deed(
        words="End snooze",
        about="If it still fires, people are told of it again.",
        keep="Let it sleep",
        icon="play",
        do=_wake,
    ),
}


@login_required
def alert_act(request: HttpRequest, id: uuid.UUID, act: str) -> HttpResponse:
    """Asks for a note, then does it."""
    now = timezone.now()
    if act == "silence":
        return _silence(request, id, now)
    deed, alert = DEEDS.get(act), Alert.objects.select_related("rule").filter(pk=id).first()
    if deed is None or alert is None:
        raise Http404
    if not request.user.has_perm(MAY_CHANGE):
        raise PermissionDenied
    answer = pages.ask(request, _question(alert, deed, now))
    if isinstance(answer, HttpResponse):
        return answer
    try:
        said, undo = deed.do(alert, answer, now)
    except engine.RefusedError as problem:
        return pages.refused(request, answer.back, f"Nothing was changed. {told(problem)}")
    frame.changed()
    return pages.done(request, _returning(answer.back, id), said, undo=undo)


def _question(alert: Alert, deed: Deed, now: datetime) -> Question:
    told = Channel.objects.filter(is_enabled=True).count()
    ended, since = alert.resolved_at or now, words.moment(alert.firing_since, now)
    limit = engine.written_as(alert.threshold, alert.unit)
    return Question(
        title=deed.words,
        subject=listing.titled(alert.title, alert.instance),
        verb=deed.words,
        keep=deed.keep,
        back=_back(alert.pk),
        about=deed.about,
        facts=(
            Fact("Now", listing.value_now(alert).removesuffix(" now"), f"limit {limit}"),
            Fact("Fires for", words.lasted(alert.firing_since, ended), f"since {since} {zone()}"),
            Fact("Told", counted(told, "channel"), "that are on"),
        ),
        choices=(HOW_LONG,) if deed.lasts else (),
        icon=deed.icon,
    )


def _silence(request: HttpRequest, id: uuid.UUID, now: datetime) -> HttpResponse:
    """Of an alert, or of an instance that has not fired yet."""
    if not request.user.has_perm(MAY_SILENCE):
        raise PermissionDenied
    title, matchers = _matched(id)
    answer = pages.ask(request, silence_question(title, matchers, _back(id), now))
    if isinstance(answer, HttpResponse):
        return answer
    return silence(request, title, matchers, replace(answer, back=_returning(answer.back, id)), now)


def silence(
    request: HttpRequest, title: str, matchers: list[silences.Matcher], answer: Answer, now: datetime
) -> HttpResponse:
    """Silences what the matchers match, from now on for as long as the answer says."""
    until = now + words.hours(answer.chosen["hours"])
    try:
        made = silences.create(
            matchers=matchers, starts_at=now, ends_at=until, reason=answer.reason, actor=answer.actor, now=now
        )
    except engine.RefusedError as problem:
        return pages.refused(request, answer.back, f"Nothing was silenced. {told(problem)}")
    frame.changed()
    said = f"{title} silenced until {words.moment(until, now)}."
    return pages.done(request, answer.back, said, undo=reverse("alert-silence-end", args=[made.pk]))


def silence_question(
    title: str, matchers: list[silences.Matcher], back: str, now: datetime, *, is_all: bool = False
) -> Question:
    """What it matches now is its blast radius."""
    matched = silences.preview(matchers, now)
    critical = sum(alert.severity == "critical" for alert in matched)
    oldest = min((alert.firing_since for alert in matched), default=None)
    return Question(
        title="Silence",
        subject=title,
        verb="Silence",
        keep="Stay told",
        back=back,
        about="Nobody is told of what matches while it lasts. It is still evaluated and shown.",
        facts=(
            Fact("Matches now", listing.several(len(matched)), f"{critical} critical"),
            Fact("Oldest", age((now - oldest).total_seconds()) if oldest else "none", "fires since" if oldest else ""),
            Fact("Matches", counted(len(matchers), "label"), ", ".join(map(str, matchers))),
        ),
        warning="Every alert of every rule is silenced, also those that fire later." if is_all else "",
        choices=(HOW_LONG,),
        icon="mute",
    )


def _matched(id: uuid.UUID) -> tuple[str, list[silences.Matcher]]:
    alert = Alert.objects.filter(pk=id).first()
    if alert is not None:
        return f"“{listing.titled(alert.title, alert.instance)}”", silences.of(alert)
    state = AlertState.objects.select_related("rule").filter(pk=id).first()
    if state is None:
        raise Http404
    return f"“{state.rule.title}”", silences.parse(f'rule="{state.rule.name}"')


def _returning(back: str, key: uuid.UUID) -> str:
    """Back to this alert, also where the list that it was the first of begins with another one now."""
    parts = urlsplit(back)
    if parts.path != reverse("alerts"):
        return back
    return parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | {"alert": str(key)})).geturl()


def _back(key: uuid.UUID) -> str:
    return f"{reverse('alerts')}?alert={key}"
