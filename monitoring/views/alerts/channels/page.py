"""The channels' doors: where notifications go, one to change or make, a test, and what was delivered."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from monitoring import alerts as engine
from monitoring.alerts import ConflictError, Problem, RefusedError
from monitoring.alerts import channels as verbs
from monitoring.console import pages
from monitoring.console.pages import REASON_LEAST, Fact, Question
from monitoring.models import Channel, Notification
from monitoring.views.alerts import frame
from monitoring.views.alerts.channels import board, form
from monitoring.views.alerts.frame import Choice, address, told
from monitoring.views.alerts.words import counted

TEMPLATE: Final = "monitoring/alerts/channels.html"
MAY_ADD, MAY_CHANGE, MAY_DELETE = (f"monitoring.{verb}_channel" for verb in ("add", "change", "delete"))
MAY_RETRY: Final = "monitoring.change_notification"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def alert_channels(request: HttpRequest) -> HttpResponse:
    """All channels, what was delivered, and the form of a new one."""
    return _door(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def alert_channel(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """All channels, with the form of one of them."""
    return _door(request, get_object_or_404(Channel, pk=id))


@login_required
@permission_required(MAY_CHANGE, raise_exception=True)
def alert_channel_test(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks, then sends a real message and says what the channel answered."""
    channel = get_object_or_404(Channel, pk=id)
    question = Question(
        title="Test",
        subject=channel.name,
        verb="Send a test",
        keep="Send nothing",
        back=reverse("alert-channels"),
        about=f"A message that says it is a test goes to {channel.shown} now.",
        facts=(
            Fact("Kind", channel.get_kind_display()),
            Fact("Last arrived", board.ago(channel.delivered_at)),
            Fact("Last failed", board.ago(channel.failed_at)),
        ),
        icon="play",
    )
    answer = pages.ask(request, question)
    if isinstance(answer, HttpResponse):
        return answer
    try:
        outcome = verbs.test(channel.pk, actor=answer.actor, now=timezone.now())
    except RefusedError as refusal:
        return pages.refused(request, answer.back, f"Nothing was sent. {told(refusal)}")
    said = f"{channel.name} answered in {outcome.took_ms:.0f} ms: {outcome.answer}"
    if outcome.ok:
        return pages.done(request, answer.back, said)
    return pages.refused(request, answer.back, f"The test did not arrive. {said}")


@login_required
@permission_required(MAY_DELETE, raise_exception=True)
def alert_channel_delete(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks why, then deletes a channel that no rule names."""
    channel = get_object_or_404(Channel, pk=id)
    question = Question(
        title="Delete",
        subject=channel.name,
        verb="Delete",
        keep="Keep it",
        back=reverse("alert-channel", args=[channel.pk]),
        about="Nobody is told through it any more; what it delivered goes from the list.",
        facts=(
            Fact("Kind", channel.get_kind_display(), channel.shown),
            Fact("Delivered", str(channel.notifications.count()), "in the list"),
        ),
        icon="forget",
        is_danger=True,
    )
    answer = pages.ask(request, question)
    if isinstance(answer, HttpResponse):
        return answer
    try:
        verbs.delete(channel.pk, actor=answer.actor, reason=answer.reason, now=timezone.now())
    except RefusedError as refusal:
        return pages.refused(request, answer.back, f"Nothing was deleted. {told(refusal)}")
    return pages.done(request, reverse("alert-channels"), f"The channel {channel.name} is deleted.")


@login_required
@permission_required(MAY_RETRY, raise_exception=True)
def alert_delivery_retry(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks why, then sends a notification again that was given up."""
    row = get_object_or_404(Notification.objects.select_related("channel"), pk=id)
    question = Question(
        title="Send it again?",
        verb="Send again",
        keep="Leave it",
        back=reverse("alert-channels"),
        about=row.error,
        facts=(
            Fact("To", row.channel.name, row.channel.shown),
            Fact("Tried", counted(row.attempts, "time")),
            Fact("Tells of", counted(len(row.alerts), "alert"), row.get_about_display().lower()),
        ),
        icon="reset",
    )
    answer = pages.ask(request, question)
    if isinstance(answer, HttpResponse):
        return answer
    try:
        engine.retry(row.pk, actor=answer.actor, reason=answer.reason, now=timezone.now())
    except RefusedError as refusal:
        return pages.refused(request, answer.back, f"Nothing was sent. {told(refusal)}")
    return pages.done(request, answer.back, f"It is sent to {row.channel.name} again.")


def _door(request: HttpRequest, channel: Channel | None) -> HttpResponse:
    if request.method != "POST":
        return _shown(request, channel, form.raw(channel), {})
    given = {name: request.POST.get(name, "").strip()[:2000] for name in form.NAMES}
    return _save(request, channel, given)


def _save(request: HttpRequest, channel: Channel | None, given: dict[str, str]) -> HttpResponse:
    if not request.user.has_perm(MAY_CHANGE if channel else MAY_ADD):
        raise PermissionDenied
    problems: dict[str, Problem] = {}
    if len(given["reason"]) < REASON_LEAST:
        return _shown(request, channel, given, {"reason": Problem("A reason has 8 characters or more")})
    try:
        saved = _written(request, channel, given)
    except RefusedError as refusal:
        problems = refusal.problems
    except ConflictError as conflict:
        problems = {"name": Problem(str(conflict))}
    else:
        secret = "" if given["secret"] else saved.new_secret
        if not secret:
            return pages.done(request, reverse("alert-channels"), f"The channel {saved.name} is saved. Test it.")
        # a message would carry the secret through a cookie; this answer is its only place
        return _shown(request, saved, form.raw(saved), {}, secret=secret)
    return _shown(request, channel, given, problems)


def _written(request: HttpRequest, channel: Channel | None, given: dict[str, str]) -> Channel:
    who: dict[str, Any] = {"actor": request.user.get_username(), "reason": given["reason"], "now": timezone.now()}
    is_on = bool(given["is_enabled"])
    if channel is None:
        named: dict[str, Any] = {name: given[name] for name in ("name", "kind", "target", "secret")}
        return verbs.create(is_enabled=is_on, **named, **who)
    kept: dict[str, Any] = {name: given[name] or None for name in ("target", "secret")}
    version = int(request.POST.get("version", "0")) if request.POST.get("version", "").isdigit() else 0
    return verbs.change(channel.pk, version=version, is_enabled=is_on, **kept, **who)


def _shown(
    request: HttpRequest,
    channel: Channel | None,
    given: Mapping[str, str],
    problems: Mapping[str, Problem],
    *,
    secret: str = "",
) -> TemplateResponse:
    state = request.GET.get("state", "")
    state = state if state in board.STATES else ""
    counts, deliveries = board.deliveries(state)
    found = Channel.objects.order_by("name")
    path = "alert-channel" if channel else "alert-channels"
    of = [channel.pk] if channel else []
    page = {
        "about": board.about(found),
        "rows": [board.line(each, channel) for each in found],
        "form": form.made_of(channel, given, problems, reverse(path, args=of)),
        "deliveries": deliveries,
        "deliveries_about": "the latest first",
        "states": [
            Choice(key or "all", word, address(path, {"state": key}, *of) + "#deliveries", counts[key], key == state)
            for key, word in board.STATES.items()
        ],
        "secret": secret,
        "refused": frame.refused(request, MAY_CHANGE if channel else MAY_ADD, "channels"),
    }
    context = {"page": page} | frame.places("alert-channels")
    return TemplateResponse(request, TEMPLATE, context, status=422 if problems else 200)
