"""The pages of alerts: what fires, and what people do about it; rules and silences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from monitoring.alerts import rules
from monitoring.models import AlertRule, Silence
from monitoring.views.alerts.rules import form
from monitoring.views.overview import board, firing, kpis
from monitoring.views.overview.firing import Firing
from tests.monitoring.alert_pages import HTMX, WHY, ask, done, text
from tests.monitoring.alert_scene import (
    evaluated,
    fill,
    make_alert,
    make_rule,
    make_state,
)
from tests.monitoring.made import make_figures
from tests.monitoring.recorded import record_hour

pytestmark = pytest.mark.django_db


# --- alerts


@pytest.mark.parametrize("path", ["", "live/", "rules/", "silences/", "channels/"])
def test_the_alerts_are_for_people_who_signed_in(client: Client, path: str) -> None:
    assert client.get(f"/alerts/{path}").headers["Location"].startswith("/sign-in/")


def test_without_rules_the_page_says_that_nobody_is_told(viewer: Client) -> None:
    AlertRule.objects.all().delete()
    page = text(viewer, "/alerts/")
    assert "No rule is on" in page
    assert "No rule was ever evaluated" in page


def test_the_page_shows_every_state_worst_first_and_the_worst_in_detail(viewer: Client) -> None:
    fill(now=timezone.now())
    page = text(viewer, "/alerts/")
    said = ("Firing, critical", "Firing, warning", "Pending", "Silenced", "Resolved")
    places = [page.index(f"</svg>{word}</span>") for word in said]
    assert places == sorted(places)
    assert "2 firing, 1 pending, 1 silenced, evaluated " in page
    assert "Check the provider&#x27;s status page" in page
    assert "Chat: Mistral open" in page
    assert "Retry 2 of" in page
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in page, "a slow request of the window, to look for in the log"
    assert "503 Service Unavailable" in page
    assert page.index("What to do") < page.index('id="a-rule"')
    assert 'href="/breakers/?name=provider.chat&amp;range=' in page


def test_the_address_filters_by_state_severity_and_text(viewer: Client) -> None:
    now = timezone.now()
    fill(now=now)
    resolved = text(viewer, "/alerts/?state=resolved&severity=critical")
    assert "More than 2 % of requests fail" in resolved
    assert 'class="mem"' in resolved
    assert resolved.count('class="mem"') == 1
    assert "No alert matches" in text(viewer, "/alerts/?q=nothing-like-it")
    assert text(viewer, "/alerts/?q=chat-failures").count('class="mem"') == 1


def test_an_evaluator_that_is_late_is_told_on_the_page(viewer: Client) -> None:
    now = timezone.now()
    make_rule()
    evaluated(now=now, ago_s=400)
    assert "Rules were evaluated 6m ago." in text(viewer, "/alerts/")
    evaluated(now=now, ago_s=1)
    assert "What you see may be old" not in text(viewer, "/alerts/")


def test_the_alert_in_detail_stays_while_the_list_moves(viewer: Client) -> None:
    now = timezone.now()
    first = make_alert(make_rule(), now=now)
    answer: Any = viewer.get("/alerts/")
    assert f"alert={first.pk}" in answer.context_data["live"].address
    fragment = text(viewer, f"/alerts/live/?range=1h&alert={first.pk}", **HTMX)
    assert "<html" not in fragment
    assert 'id="alert-list"' in fragment
    assert 'class="chart"' not in fragment, "a chart's node is never swapped"


def test_an_instance_that_is_pending_says_when_it_fires(viewer: Client) -> None:
    now = timezone.now()
    state = make_state(make_rule(for_s=300), now=now, seconds=60)
    page = text(viewer, f"/alerts/?alert={state.pk}")
    assert "if it stays" in page
    assert "Nobody: it has not fired" in page
    assert "Acknowledge" not in page


def test_an_alert_whose_rule_is_gone_is_still_told(viewer: Client) -> None:
    alert = make_alert(make_rule(), now=timezone.now(), ended=2)
    AlertRule.objects.all().delete()
    assert "The rule was deleted" in text(viewer, f"/alerts/?alert={alert.pk}")
    assert viewer.get("/alerts/?alert=no-id").status_code == 200


def test_who_may_not_change_alerts_sees_the_buttons_and_why_they_are_off(viewer: Client) -> None:
    alert = make_alert(make_rule(), now=timezone.now())
    assert 'title="Needs the permission to change alerts"' in text(viewer, "/alerts/")
    for act in ("acknowledge", "snooze", "silence"):
        assert viewer.get(f"/alerts/{alert.pk}/{act}/").status_code == 403


def test_acknowledging_takes_a_note_shows_it_and_can_be_taken_back(operator: Client) -> None:
    alert = make_alert(make_rule(), now=timezone.now())
    page = ask(operator, f"/alerts/{alert.pk}/acknowledge/")
    assert "is acknowledged" in page
    assert "ops acknowledged it at" in page
    assert f'href="/alerts/{alert.pk}/unacknowledge/"' in page, "the message offers to undo"
    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.note) == ("ops", WHY)
    assert done("alert.acknowledge").actor == "ops"
    assert "Nobody has" in ask(operator, f"/alerts/{alert.pk}/unacknowledge/")
    alert.refresh_from_db()
    assert alert.acknowledged_at is None


def test_snoozing_and_silencing_end_by_themselves(operator: Client) -> None:
    now = timezone.now()
    alert = make_alert(make_rule(), now=now)
    assert "is snoozed until" in ask(operator, f"/alerts/{alert.pk}/snooze/", hours="4")
    alert.refresh_from_db()
    assert alert.snoozed_until is not None
    assert timedelta(hours=3.9) < alert.snoozed_until - now < timedelta(hours=4.1)
    assert "again" in ask(operator, f"/alerts/{alert.pk}/wake/")
    assert "silenced until" in ask(operator, f"/alerts/{alert.pk}/silence/", hours="1")
    assert Silence.objects.active_at(timezone.now()).count() == 1
    assert "1 silenced" in text(operator, "/alerts/")


def test_an_alert_that_ended_is_only_looked_at(operator: Client) -> None:
    alert = make_alert(make_rule(), now=timezone.now(), ended=2)
    assert "resolved already" in ask(operator, f"/alerts/{alert.pk}/acknowledge/")
    assert operator.get(f"/alerts/{alert.pk}/explode/").status_code == 404


# --- the overview


def test_the_verdict_the_figure_and_the_panel_name_what_fires(db: None) -> None:
    now = timezone.now()
    chat = fill(now=now)
    fires = firing.gather([None] * 120, "1h", now=now)
    said = board.verdict(board.Health(now=now, firing=fires, p95_s=0.031))
    assert said.word == "Degraded"
    assert said.sentence == "Chat calls failing over 25 %, 34.2 % now; 1 more alert fires; context p95 is 31 ms."
    figures = make_figures()
    kpi = kpis.all_of(figures, figures, latest_hour=figures, fires=fires)[0]
    assert (kpi.value, kpi.unit, kpi.delta.text, kpi.delta.tone) == ("2", "firing", "1 critical", "crit")
    assert fires.about == "2 firing, 1 pending, 1 silenced"
    assert fires.rows[0].key == str(chat.pk)


def test_figures_that_are_gone_come_before_what_fires(db: None) -> None:
    fires = Firing(told=[make_alert(make_rule(), now=timezone.now())])
    assert board.verdict(board.Health(now=timezone.now(), age_s=90, firing=fires)).word == "Down"


def test_the_overview_sees_at_once_what_was_done_by_hand(operator: Client) -> None:
    alert = make_alert(make_rule(), now=timezone.now())
    cache.clear()
    assert "not acknowledged" in text(operator, "/")
    operator.post(f"/alerts/{alert.pk}/acknowledge/", {"reason": WHY})
    assert "acknowledged by ops" in text(operator, "/")


# --- rules


def filled(**changed: str) -> dict[str, str]:
    """A form as a browser sends it."""
    given = form.blank() | {
        "name": "requests-fail",
        "title": "More than 5 % of requests fail",
        "kind": "rate",
        "metric": "requests.errors",
        "measure": "share",
        "denominator": "requests",
        "fire_critical": "5",
        "clear_critical": "3",
        "labels": "component=api",
        "recommendation": "Look at the log.",
        "reason": WHY,
        "save": "1",
    }
    return {name: value for name, value in (given | changed).items() if value}


def test_a_rule_is_made_changed_switched_and_deleted_with_a_reason(operator: Client) -> None:
    AlertRule.objects.all().delete()
    assert "is saved" in operator.post("/alerts/rules/new/", filled(), follow=True).content.decode()
    rule = AlertRule.objects.get()
    assert rule.thresholds == [{"severity": "critical", "fire": 5.0, "clear": 3.0}]
    assert (rule.window_s, rule.for_s, rule.labels, rule.changed_by) == (300, 60, {"component": "api"}, "ops")
    path = f"/alerts/rules/{rule.pk}/"
    operator.post(path, filled(version="1", for_s="2m"))
    rule.refresh_from_db()
    assert (rule.version, rule.for_s) == (2, 120)
    assert done("alert_rule.change").after == {"for_s": 120}
    assert "is off" in ask(operator, f"{path}disable/")
    assert "No rule is on" in text(operator, "/alerts/")
    assert "is deleted" in ask(operator, f"{path}delete/")
    assert not AlertRule.objects.exists()


def test_what_a_rule_cannot_be_is_told_beside_its_field_with_what_would_do(operator: Client) -> None:
    before = AlertRule.objects.count()
    wrong = {"metric": "request.errors", "window_s": "soon", "min_events": "some", "reason": ""}
    answer = operator.post("/alerts/rules/new/", filled(**wrong))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "&#x27;soon&#x27; is no length of time" in page
    assert "Write it like 30s, 5m, 6h or 3d" in page
    assert "A reason has 8 to 500 characters" in page
    assert 'value="request.errors"' in page, "what was written stays"
    page = operator.post("/alerts/rules/new/", filled(metric="request.errors")).content.decode()
    assert "Did you mean" in page
    page = operator.post("/alerts/rules/new/", filled(window_s="31d")).content.decode()
    assert "The window is 31 d long, and figures by the minute are kept for 30 d" in page
    assert "Choose at most 30 d (2592000 s)" in page
    page = operator.post("/alerts/rules/new/", filled(clear_critical="9")).content.decode()
    assert "clears at 9, which is above 5, where it fires. Clear at 4." in page
    assert AlertRule.objects.count() == before


def test_a_rule_that_somebody_changed_meanwhile_is_not_overwritten_silently(operator: Client) -> None:
    fields, _ = form.parse(form.blank() | filled(), None)
    rule = rules.create(fields=fields, actor="mara", reason=WHY, now=timezone.now())
    change: dict[str, Any] = {"fields": {"for_s": 180}, "actor": "mara", "reason": WHY, "now": timezone.now()}
    rules.change(rule.pk, version=1, **change)
    path = f"/alerts/rules/{rule.pk}/"
    answer = operator.post(path, filled(version="1", for_s="2m"))
    assert answer.status_code == 409
    assert "mara changed this rule meanwhile, to revision 2" in answer.content.decode()
    assert operator.post(path, filled(version="2", for_s="2m")).status_code == 302


def test_a_rule_is_tried_on_what_was_recorded_and_the_trial_has_an_address(viewer: Client) -> None:
    record_hour(now=timezone.now())
    tried = filled(fire_critical="2", clear_critical="1.5", for_s="1m", backtest="24h")
    answer = viewer.post("/alerts/rules/new/", tried)
    assert answer.status_code == 302
    assert "csrf" not in answer["Location"]
    assert "reason" not in answer["Location"]
    page = text(viewer, answer["Location"])
    assert "Would have fired once" in page
    assert "Once in 24 hours, longest" in page
    assert 'value="2"' in page, "the form is as it was tried"
    assert "It cannot be tried" in text(viewer, answer["Location"].replace("requests.errors", "request.errors"))
    assert "There is no range" in text(viewer, answer["Location"].replace("24h", "99h"))


def test_the_list_of_rules_tells_states_last_values_and_health(viewer: Client) -> None:
    now = timezone.now()
    AlertRule.objects.all().delete()
    make_state(make_rule(), now=now, phase="firing", value=159)
    make_rule(name="quiet", title="Quiet one", is_enabled=False)
    make_state(make_rule(name="blind", title="Blind one"), now=now, phase="no_data", why="no series", value=None)
    page = text(viewer, "/alerts/rules/")
    assert page.index("More than 100 bulk jobs wait") < page.index("Blind one") < page.index("Quiet one")
    assert "159" in page
    assert "no series" in page
    assert "2 on, 1 off" in page
    assert "No rule matches" in text(viewer, "/alerts/rules/?q=zebra")
    assert viewer.post("/alerts/rules/new/", filled()).status_code == 403


# --- silences


def test_a_silence_shows_what_it_matches_before_it_is_made_and_ends_early(operator: Client) -> None:
    now = timezone.now()
    make_alert(make_rule(), now=now)
    given = {"rule": "bulk-waits", "severity": "", "labels": "", "hours": "4", "starts_at": "", "reason": ""}
    answer = operator.post("/alerts/silences/", given | {"preview": "1"})
    assert "Matches 1 alert that fires now" in text(operator, answer["Location"])
    assert "Matches 1 alert" in text(operator, "/alerts/silences/preview/?rule=bulk-waits", **HTMX)
    assert operator.post("/alerts/silences/", given).status_code == 422
    page = operator.post("/alerts/silences/", given | {"reason": WHY}, follow=True).content.decode()
    assert "Silenced until" in page
    silence = Silence.objects.get()
    assert silence.matchers == [{"label": "rule", "op": "=", "value": "bulk-waits"}]
    assert "has ended" in ask(operator, reverse("alert-silence-end", args=[silence.pk]))
    assert not Silence.objects.active_at(timezone.now()).exists()
    assert "ended by ops" in text(operator, "/alerts/silences/?state=over")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"labels": ""}, "Choose a rule or a severity"),
        ({"labels": "not a matcher"}, "line 1 is no matcher"),
        ({"labels": "a=~(b+)+"}, "may take too long"),
        ({"labels": "a=b", "starts_at": "soon"}, "is no moment"),
        ({"labels": "a=b", "hours": "9999"}, "Choose for how long"),
    ],
)
def test_what_a_silence_cannot_be_is_told_beside_its_field(operator: Client, given: dict[str, str], said: str) -> None:
    answer = operator.post("/alerts/silences/", {"hours": "1", "reason": WHY} | given)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Silence.objects.exists()


def test_a_silence_that_starts_later_is_a_maintenance_window(operator: Client) -> None:
    later = timezone.now() + timedelta(hours=5)
    given = {"severity": "warning", "starts_at": f"{later:%Y-%m-%dT%H:%M}", "hours": "4", "reason": WHY}
    assert "Planned for" in operator.post("/alerts/silences/", given, follow=True).content.decode()
    assert Silence.objects.get().is_maintenance
    assert "1 planned" in text(operator, "/alerts/silences/")


def test_everything_can_be_silenced_for_a_while(operator: Client) -> None:
    make_alert(make_rule(), now=timezone.now())
    assert "Everything is silenced until" in ask(operator, "/alerts/silences/all/", hours="1")
    assert "1 silenced" in text(operator, "/alerts/")
