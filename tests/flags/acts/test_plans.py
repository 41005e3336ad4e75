"""Rollout plans by hand: starting one, and what is asked while it runs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flags.models import Flag, FlagChange, RolloutPlan
from tests.flags.acts.people import message, operator, page, viewer
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
PLAN = "/rollouts/enhanced/plan/"
WHY = "The new context is ready"


def started(**fields: Any) -> RolloutPlan:
    make_flag(percent=0)
    sent = {"template": "own", "percent": ["5", "50", "100"], "dwell": ["10", "30", "0"], "reason": WHY} | fields
    message(operator("ben").post(PLAN, sent))
    return RolloutPlan.objects.get()


def test_a_plan_starts_from_rows_of_ones_own_or_a_template() -> None:
    plan = started(back="on")
    assert [stage.percent for stage in plan.stages.all()] == [5, 50, 100]
    assert plan.policy == {"back_to_certified": True}
    assert plan.actor == "ben"
    assert Flag.objects.get().share == 5
    make_flag("other", percent=10)
    said = message(operator().post("/rollouts/other/plan/", {"template": "standard", "reason": WHY}))
    assert "The rollout of other runs, at 10 %." in said


def test_what_forbids_a_start_is_told_and_the_rows_stay() -> None:
    make_flag(percent=20)
    client = operator()
    sent = {"template": "own", "percent": ["5", "x"], "dwell": ["10", "30"], "reason": WHY}
    refused = client.post(PLAN, sent)
    assert refused.status_code == 422
    assert "Stage 2: a share is above 0" in page(refused)
    assert 'value="x"' in page(refused)
    assert WHY in page(refused)
    refused = client.post(PLAN, sent | {"template": "standard", "starts_at": "tomorrow"})
    assert refused.status_code == 422
    assert "is no moment" in page(refused)
    assert "Write 4 more characters" in page(client.post(PLAN, sent | {"reason": "soon"}))
    assert client.post(PLAN, sent | {"more": "1"}).status_code == 200
    message(client.post(PLAN, {"template": "swift", "reason": WHY}))
    second = client.post(PLAN, {"template": "swift", "reason": WHY})
    assert second.status_code == 409
    assert "has a plan already" in page(second)
    assert viewer().get(PLAN).status_code == 403


def test_hold_resume_advance_jump_and_end_ask_first() -> None:
    plan = started()
    client = operator()
    asked = page(client.get(f"{PLAN}hold/", headers={"HX-Request": "true"}))
    assert asked.startswith("<dialog")
    assert "1 of 3" in asked
    assert client.post(f"{PLAN}hold/", {"reason": "soon"}).status_code == 422
    assert "is held at 5 %" in message(client.post(f"{PLAN}hold/", {"reason": WHY}))
    assert "You accept what holds it: by hand" in page(client.get(f"{PLAN}resume/"))
    assert "goes on at 5 %" in message(client.post(f"{PLAN}resume/", {"reason": WHY}))
    step = page(client.get(f"{PLAN}advance/"))
    assert "Advance to 50 %" in step
    assert "Users exposed" in step
    assert "not proved safe yet" in step
    assert "is at 50 % now" in message(client.post(f"{PLAN}advance/", {"reason": WHY}))
    assert "Jump to 5 %" in page(client.get(f"{PLAN}jump/?number=1"))
    assert "is at 5 % now" in message(client.post(f"{PLAN}jump/?number=1", {"reason": WHY}))
    assert "is at 100 % now" in message(client.post(f"{PLAN}jump/", {"reason": WHY, "number": "3"}))
    assert "the flag stays at 100 %" in message(client.post(f"{PLAN}end/", {"reason": WHY}))
    plan.refresh_from_db()
    assert plan.state == RolloutPlan.State.ENDED
    assert "no plan that is open" in message(client.post(f"{PLAN}end/", {"reason": WHY}))
    assert client.get(f"{PLAN}cheer/").status_code == 404


def test_rolling_back_is_one_press_and_offers_to_start_again() -> None:
    plan = started()
    said = message(operator().post(f"{PLAN}roll-back/"))
    assert "enhanced is rolled back to 0 %." in said
    assert f'<a href="{PLAN}">Start again</a>' in said
    plan.refresh_from_db()
    assert plan.state == RolloutPlan.State.ROLLED_BACK
    last = FlagChange.objects.latest("version")
    assert (last.action, last.reason, last.after) == ("roll_back", "Rolled back in the console", {"percent": "0"})
    assert Flag.objects.get().percent == Decimal(0)
