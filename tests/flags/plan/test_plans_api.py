"""The API of plans: start, look, act, and what is refused."""

from __future__ import annotations

import pytest

from flags.models import RolloutPlan
from memory.models import Scope
from tests.flags.make import make_flag
from tests.flags.plan.made import BECAUSE, BEGAN, looks, measure
from tests.make import make_key, make_workspace
from tests.memory.api.conftest import Api

pytestmark = pytest.mark.django_db
STAGES = [{"percent": 10, "dwell_min": 5}, {"percent": "50", "dwell_min": 10}]


@pytest.fixture
def admin(db: None) -> Api:
    workspace = make_workspace()
    return Api(workspace, make_key(workspace, scope=Scope.ADMIN, name="deploys"))


def test_a_plan_is_started_looked_at_and_acted_on(admin: Api) -> None:
    flag = make_flag("enhanced", percent=0)
    status, made = admin.post("flags/enhanced/plan", {"stages": STAGES, "reason": BECAUSE})
    assert status == 201
    assert (made["state"], made["stage"], made["soaked"]) == ("running", 1, "0 of 5 min soaked")
    assert [stage["state"] for stage in made["stages"]] == ["soaking", "waiting"]
    measure(flag)
    found = RolloutPlan.objects.get()
    RolloutPlan.objects.update(starts_at=BEGAN)
    found.stages.filter(number=1).update(began_at=BEGAN)
    looks(found, 1)
    status, seen = admin.get("flags/enhanced/plan")
    assert (status, [metric["metric"] for metric in seen["metrics"]]) == (200, ["latency", "slow", "errors"])
    assert seen["exposed"] == {"units": 60, "requests": 6000}
    assert admin.post("flags/enhanced/plan/hold", {"reason": BECAUSE})[1]["causes"] == ["by hand"]
    assert admin.post("flags/enhanced/plan/resume", {"reason": BECAUSE})[1]["state"] == "running"
    assert admin.post("flags/enhanced/plan/jump", {"reason": BECAUSE, "number": 2})[1]["stage"] == 2
    assert admin.post("flags/enhanced/plan/roll-back", {"reason": BECAUSE})[1]["state"] == "rolled_back"
    assert admin.get("flags/enhanced")[1]["percent"] in {"0.000", "0", 0}


def test_what_is_refused_says_why(admin: Api) -> None:
    make_flag("enhanced", percent=0)
    reader = Api(admin.workspace, make_key(admin.workspace, scope=Scope.READ))
    asked = {"template": "standard", "reason": BECAUSE}
    assert reader.post("flags/enhanced/plan", asked)[0] == 403
    assert admin.get("flags/enhanced/plan")[0] == 404
    assert admin.post("flags/nothing/plan", asked)[0] == 404
    status, problem = admin.post("flags/enhanced/plan", asked | {"template": "bold"})
    assert (status, "standard, careful, swift" in str(problem)) == (422, True)
    assert (
        admin.post("flags/enhanced/plan", {"stages": [{"percent": "NaN", "dwell_min": 1}], "reason": BECAUSE})[0] == 422
    )
    assert admin.post("flags/enhanced/plan/hold", {"reason": BECAUSE})[0] == 409
    assert admin.post("flags/enhanced/plan", asked)[0] == 201
    status, problem = admin.post("flags/enhanced/plan", asked)
    assert (status, "has a plan already" in problem["detail"]) == (409, True)
    assert admin.post("flags/enhanced/plan/dance", {"reason": BECAUSE})[0] in {404, 422}


def test_templates_are_listed(admin: Api) -> None:
    status, listed = admin.get("flags/plan-templates")
    assert (status, [each["name"] for each in listed["items"]]) == (200, ["standard", "careful", "swift"])
    assert listed["items"][0]["least_min"] == 205
