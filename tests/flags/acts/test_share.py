"""Another share: asked before it rises, at once when it falls, and never over what somebody else did meanwhile."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from flags import change
from flags.models import Flag, FlagChange, Proposal
from tests.flags.acts.people import BO, approver, message, operator, page, viewer
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
URL = "/rollouts/enhanced/share/"
WHY = "Evening peak is the load test"


def posted(client: Client, percent: str, version: int, **more: str) -> Any:
    return client.post(URL, {"percent": percent, "version": version, "reason": WHY} | more)


def test_raising_asks_with_what_it_does_and_takes_a_reason() -> None:
    flag = make_flag(percent=25)
    client = operator()
    asked = client.get(URL, {"percent": "50"}, headers={"HX-Request": "true"})
    text = page(asked)
    assert text.startswith("<dialog")
    assert "from 25 % to 50 %?" in text
    assert "Keep 25 %" in text
    assert "Raise to 50 %" in text
    assert all(label in text for label in ("Users exposed", "Workspaces entering", "Requests a minute"))
    refused = posted(client, "50", flag.version, reason="peak")
    assert refused.status_code == 422
    assert "Write 4 more characters" in page(refused)
    assert ">peak</textarea>" in page(refused)
    done = client.post(URL, {"percent": "50", "version": flag.version, "reason": WHY, "asked": "50"})
    assert "enhanced goes from 25 % to 50 %." in message(done)
    made = FlagChange.objects.get()
    assert (made.action, made.actor, made.reason, made.after) == ("raise", "ana", WHY, {"percent": "50"})


def test_lowering_takes_no_reason_and_its_toast_takes_it_back() -> None:
    flag = make_flag(percent=25)
    client = operator()
    asked = page(client.get(URL, {"percent": "10"}))
    assert "Lower to 10 %" in asked
    assert ">Lowered in the console</textarea>" in asked
    done = client.post(URL, {"percent": "10", "version": flag.version})
    made = FlagChange.objects.get()
    assert made.reason == "Lowered in the console"
    assert f"/rollouts/changes/{made.pk}/undo/" in message(done)


@pytest.mark.parametrize(
    ("percent", "fault"),
    [
        ("101", "from 0 to 100"),
        ("0.0001", "three decimals"),
        ("half", "is no number"),
        ("", "write a number"),
        ("NaN", "from 0"),
    ],
)
def test_what_is_no_share_is_told_at_its_field(percent: str, fault: str) -> None:
    flag = make_flag(percent=25)
    refused = posted(operator(), percent, flag.version)
    assert refused.status_code == 422
    assert fault in page(refused).lower()
    assert WHY in page(refused)
    assert Flag.objects.get().percent == 25


def test_a_leap_asks_for_the_flags_name() -> None:
    flag = make_flag(percent=25)
    client = operator()
    refused = posted(client, "100", flag.version)
    assert refused.status_code == 422
    assert "Write enhanced to go on" in page(refused)
    assert posted(client, "100", flag.version, typed="enhanced").status_code == 302
    assert Flag.objects.get().share == 100


def test_a_share_that_the_dialog_did_not_speak_of_is_asked_about_anew() -> None:
    flag = make_flag(percent=25)
    client = operator()
    again = posted(client, "60", flag.version, asked="50")
    assert again.status_code == 422
    assert "Raise to 60 %" in page(again)
    assert WHY in page(again)
    assert posted(client, "60", flag.version, asked="60").status_code == 302


def test_somebody_who_was_faster_is_shown_and_nothing_typed_is_lost() -> None:
    flag = make_flag(percent=10)
    seen = flag.version
    change.change("enhanced", expect=seen, edit={"percent": "12"}, by=BO, reason="Weekend test", now=timezone.now())
    client = operator()
    beaten = posted(client, "50", seen, asked="50")
    text = page(beaten)
    assert beaten.status_code == 409
    assert "bo set 10 → 12 % 0 s ago: Weekend test." in text
    assert "<td>10 %</td>" in text
    assert "<b>12 %</b>" in text
    assert "<td>50 %</td>" in text
    assert WHY in text
    assert f'name="version" value="{seen + 1}"' in text
    assert "from 12 % to 50 %?" in text
    assert Flag.objects.get().percent == 12
    assert posted(client, "50", seen + 1, asked="50").status_code == 302
    assert Flag.objects.get().percent == 50


def test_over_the_agreed_share_a_second_person_is_asked() -> None:
    flag = make_flag(percent=25)
    change.require_approval(Decimal(40), by=BO, reason="Half of them is many", now=timezone.now())
    client = operator()
    assert "Over 40 % a second person has to approve." in page(client.get(URL, {"percent": "50"}))
    done = client.post(URL, {"percent": "50", "version": flag.version, "reason": WHY})
    assert "Proposed: enhanced at 50 %." in message(done)
    assert Flag.objects.get().percent == 25
    assert Proposal.objects.get().actor == "ana"


def test_while_all_is_frozen_the_button_says_so() -> None:
    flag = make_flag(percent=25)
    change.freeze(True, by=BO, reason="Black Friday", now=timezone.now())
    client = operator()
    text = page(client.get(URL))
    assert "bo: Black Friday" in text
    assert 'disabled title="All changes are frozen' in text
    assert posted(client, "50", flag.version).status_code == 409


def test_viewers_are_told_and_locked_flags_are_for_approvers() -> None:
    flag = make_flag(percent=25, is_locked=True)
    refused = posted(viewer(), "50", flag.version)
    assert refused.status_code == 403
    assert "Ask somebody who may change flags" in page(refused)
    barred = posted(operator(), "30", flag.version, typed="enhanced")
    assert barred.status_code == 403
    assert "enhanced is locked" in page(barred)
    assert posted(approver(), "30", flag.version, typed="enhanced").status_code == 302
    assert operator("ann").get("/rollouts/nothing/share/").status_code == 404
