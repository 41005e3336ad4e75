"""The doors of alert rules: all of them, one with its form and back-test, and what is asked before a change."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from monitoring import alerts
from monitoring.alerts import ConflictError, Problem, RefusedError, rules
from monitoring.console import pages
from monitoring.console.field import Field
from monitoring.console.freshness import REFRESH_S
from monitoring.console.pages import REASON_LEAST, REASON_MOST, Answer, Fact, Question
from monitoring.models import Alert, AlertRule
from monitoring.views.alerts import frame
from monitoring.views.alerts.frame import address, told, with_problem
from monitoring.views.alerts.rules import fields as inputs
from monitoring.views.alerts.rules import form, trial
from monitoring.views.alerts.rules.board import board
from monitoring.views.alerts.rules.form import Raw
from monitoring.views.alerts.words import counted

LIST, ONE = "monitoring/alerts/rules.html", "monitoring/alerts/rule.html"
MAY_ADD, MAY_CHANGE, MAY_DELETE = (f"monitoring.{verb}_alertrule" for verb in ("add", "change", "delete"))
ADDRESS_MOST = 4000  # characters of an address that every server takes


@require_safe
@login_required
def alert_rules(request: HttpRequest) -> TemplateResponse:
    """All rules, those that fire first."""
    return pages.respond(request, LIST, _listed(request))


def _stamp(request: HttpRequest) -> str:
    return f"{int(timezone.now().timestamp() // REFRESH_S)}"


@pages.refreshed(_stamp)
def alert_rules_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the rules page."""
    return TemplateResponse(request, f"{LIST}#live", _listed(request))


def _listed(request: HttpRequest) -> dict[str, Any]:
    page = board(request.GET.get("q", "")[:100], now=timezone.now())
    live = pages.live(request, "alert-rules", "alert-rules-live", is_exact=True, has_range=False)
    act = frame.new_rule(request)
    shown = {"page": page, "live": live, "refused": frame.refused(request, MAY_CHANGE, "rules")}
    return shown | frame.places("alert-rules", act)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def alert_rule_new(request: HttpRequest) -> HttpResponse:
    """The form of a rule that does not exist yet; the address may fill it in."""
    return _door(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def alert_rule(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """One rule, to be read, tried and changed."""
    return _door(request, get_object_or_404(AlertRule, pk=id))


def _door(request: HttpRequest, rule: AlertRule | None) -> HttpResponse:
    base = form.raw(rule) if rule else form.blank()
    sent = request.POST if request.method == "POST" else request.GET
    # a box that is not ticked is not sent
    given = base | {name: sent.get(name, "")[:2000] for name in form.NAMES if name in sent}
    if request.method == "POST":
        given["is_enabled"] = "on" if "is_enabled" in request.POST else ""
        if tested := request.POST.get("backtest"):
            return _try(request, rule, base, given, tested)
        return _save(request, rule, given)
    tested = request.GET.get("backtest", "")
    problems = _problems(given, rule) if request.GET else {}
    return _shown(request, rule, given, problems=problems, tested=tested)


def _try(request: HttpRequest, rule: AlertRule | None, base: Raw, given: Raw, tested: str) -> HttpResponse:
    """The trial has an address of its own, which can be shared; what is as it was is left out of it."""
    changed = {name: value for name, value in given.items() if value != base[name]}
    query = urlencode(changed | {"backtest": tested})
    if len(query) <= ADDRESS_MOST:
        return HttpResponseRedirect(f"{request.path}?{query}#backtest")
    return _shown(request, rule, given, problems=_problems(given, rule), tested=tested)


def _problems(given: Raw, rule: AlertRule | None) -> dict[str, Problem]:
    try:
        form.read(given, rule)
    except RefusedError as refusal:
        return refusal.problems
    return {}


def _save(request: HttpRequest, rule: AlertRule | None, given: Raw) -> HttpResponse:
    if not request.user.has_perm(MAY_CHANGE if rule else MAY_ADD):
        raise PermissionDenied
    reason = request.POST.get("reason", "").strip()
    problems = _problems(given, rule)
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        problems |= {"reason": Problem("A reason has 8 to 500 characters")}
    if problems:
        return _shown(request, rule, given, problems=problems, reason=reason)
    fields, _ = form.parse(given, rule)
    who, now = {"actor": request.user.get_username(), "reason": reason}, timezone.now()
    try:
        if rule is None:
            saved = rules.create(fields=fields, now=now, **who)
        else:
            saved = rules.change(rule.pk, fields=fields, version=_version(request), now=now, **who)
    except RefusedError as refusal:
        return _shown(request, rule, given, problems=refusal.problems, reason=reason)
    except ConflictError as conflict:
        return _shown(request, rule, given, problems={}, reason=reason, conflict=conflict)
    return pages.done(request, reverse("alert-rule", args=[saved.pk]), f"“{saved.title}” is saved.")


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() and len(text) < 10 else 0


def _shown(
    request: HttpRequest,
    rule: AlertRule | None,
    given: Raw,
    *,
    problems: dict[str, Problem],
    tested: str = "",
    reason: str = "",
    conflict: ConflictError | None = None,
) -> TemplateResponse:
    current = conflict.current if conflict else rule
    page = {
        "title": rule.title if rule else "New rule",
        "crumb": rule.name if rule else "new",
        "about": alerts.condition(rule).capitalize() if rule else "",
        "form_about": f"revision {rule.version}{', built in' if rule.is_builtin else ''}" if rule else "not saved yet",
        "action": request.path,
        "version": current.version if current else 0,
        "groups": inputs.groups(given, problems, of=rule, catalogue=rules.catalogue()),
        "reason": _reason(reason, problems),
        "verb": "Save rule" if rule else "Make rule",
        "problem": _all(problems) if request.method == "POST" and problems else "",
        "conflict": _conflict(conflict),
        "reload": request.path,
        "refused": frame.refused(request, MAY_CHANGE if rule else MAY_ADD, "rules"),
        "ranges": trial.RANGES,
        "tested": tested,
        "test": _tested(given, rule, tested, problems),
    }
    if rule:
        page |= _acts(rule)
    status = 409 if conflict else 422 if request.method == "POST" and problems else 200
    context = {"page": page} | frame.places("alert-rules")
    return TemplateResponse(request, ONE, context, status=status)


def _reason(reason: str, problems: dict[str, Problem]) -> Field:
    field = {"name": "reason", "label": "Reason", "value": reason, "kind": "area", "rows": 2, "most": REASON_MOST}
    return with_problem(field | {"width": "wide", "hint": "Kept with your name. 8 characters or more."}, problems)


def _all(problems: dict[str, Problem]) -> str:
    return f"{counted(len(problems), 'field needs', 'fields need')} another look: the reason stands below each."


def _conflict(conflict: ConflictError | None) -> str:
    if conflict is None or not isinstance(conflict.current, AlertRule):
        return ""
    who = conflict.current.changed_by or "Somebody"
    return f"{who} changed this rule meanwhile, to revision {conflict.current.version}."


def _acts(rule: AlertRule) -> dict[str, str]:
    words = ("disable", "Switch off") if rule.is_enabled else ("enable", "Switch on")
    last = ("restore", "Restore the default") if rule.is_builtin else ("delete", "Delete")
    found = {"switch": address("alert-rule-act", {}, rule.pk, words[0]), "switch_words": words[1]}
    return found | {"last": address("alert-rule-act", {}, rule.pk, last[0]), "last_words": last[1]}


def _tested(given: Raw, rule: AlertRule | None, tested: str, problems: dict[str, Problem]) -> trial.Trial | None:
    if not tested:
        return None
    if tested not in dict(trial.RANGES):
        return trial.Trial(problem=f"There is no range {tested[:20]!r}. Choose 24h, 7d or 30d.")
    if problems:
        return trial.Trial(
            problem=f"{counted(len(problems), 'field')} of the rule can't be so: the reason stands beside."
        )
    return trial.hold(form.read(given, rule), tested, now=timezone.now())


ACTS = {
    "disable": ("Switch off", "It is not evaluated, and its open alerts end.", "is off", MAY_CHANGE),
    "enable": ("Switch on", "It is evaluated with the next tick.", "is on", MAY_CHANGE),
    "delete": ("Delete", "The rule goes, and its open alerts end.", "is deleted", MAY_DELETE),
    "restore": ("Restore", "All of it is as it was at first, also its limits.", "is as it was at first", MAY_CHANGE),
}


@login_required
def alert_rule_act(request: HttpRequest, id: uuid.UUID, act: str) -> HttpResponse:
    """Asks why, then switches a rule on or off, deletes it, or brings its default back."""
    rule = get_object_or_404(AlertRule, pk=id)
    if act not in ACTS:
        raise Http404
    if not request.user.has_perm(ACTS[act][3]):
        raise PermissionDenied
    answer = pages.ask(request, _question(rule, act))
    if isinstance(answer, HttpResponse):
        return answer
    try:
        _do(rule, act, answer)
    except RefusedError as refusal:
        return pages.refused(request, answer.back, f"Nothing was changed. {told(refusal)}")
    except ConflictError as conflict:
        return pages.refused(request, answer.back, f"Nothing was changed. {conflict}.")
    undo = {"disable": "enable", "enable": "disable"}.get(act)
    back = reverse("alert-rules") if act == "delete" else answer.back
    said = f"“{rule.title}” {ACTS[act][2]}."
    return pages.done(request, back, said, undo=address("alert-rule-act", {}, rule.pk, undo) if undo else "")


def _do(rule: AlertRule, act: str, answer: Answer) -> None:
    given: dict[str, Any] = {"version": rule.version, "actor": answer.actor, "reason": answer.reason}
    given["now"] = timezone.now()
    if act == "delete":
        rules.delete(rule.pk, **given)
    elif act == "restore":
        rules.restore(rule.pk, **given)
    else:
        rules.change(rule.pk, fields={"is_enabled": act == "enable"}, **given)


def _question(rule: AlertRule, act: str) -> Question:
    words, about, _, _ = ACTS[act]
    open_ = Alert.objects.open().filter(rule=rule).count()
    return Question(
        title=words,
        subject=rule.name,
        verb=words,
        keep="Leave it as it is",
        back=reverse("alert-rule", args=[rule.pk]),
        about=about,
        facts=(
            Fact("Fires now", counted(open_, "alert"), "of this rule"),
            Fact("Tells", ", ".join(rule.channels) or "all channels"),
            Fact("Worst", rule.severity.label, alerts.condition(rule)),
        ),
        is_danger=act in {"delete", "disable"},
    )
