"""What is done at once: killing, taking back, and always in or out for one unit."""

from __future__ import annotations

import pytest
from django.utils import timezone

from flags import change
from flags.models import Flag, FlagChange, Override
from tests.flags.acts.people import BO, approver, message, operator, page, viewer
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
KILL = "/rollouts/enhanced/kill/"


def undo(made: FlagChange) -> str:
    return f"/rollouts/changes/{made.pk}/undo/"


def test_one_press_kills_also_while_all_is_frozen_and_undo_gives_the_share_back() -> None:
    make_flag(percent=25)
    client = operator()
    change.freeze(True, by=BO, reason="Black Friday", now=timezone.now())
    said = message(client.post(KILL))
    made = FlagChange.objects.get()
    assert "enhanced is killed" in said
    assert undo(made) in said
    assert (made.action, made.reason) == ("kill", "Killed in the console")
    assert Flag.objects.get().share == 0
    assert "frozen" in message(client.post(undo(made)))
    change.freeze(False, by=BO, reason="Friday is over", now=timezone.now())
    assert "Taken back: enhanced is as it was before ana killed it." in message(client.post(undo(made)))
    assert Flag.objects.get().share == 25


def test_without_scripts_the_kill_has_a_page_with_room_for_a_reason() -> None:
    make_flag(percent=25)
    client = operator()
    assert "Takes it from 25 % to 0 % for everyone" in page(client.get(KILL))
    client.post(KILL, {"reason": "OOM"})
    assert FlagChange.objects.get().reason == "Killed in the console: OOM"


def test_a_locked_flag_is_killed_by_approvers_only() -> None:
    make_flag(percent=25, is_locked=True)
    assert viewer().post(KILL).status_code == 403
    assert "enhanced is locked" in page(operator().post(KILL))
    assert Flag.objects.get().share == 25
    assert "is killed" in message(approver().post(KILL))


def test_what_was_changed_again_is_not_taken_back() -> None:
    flag = make_flag(percent=25)
    now = timezone.now()
    edit = {"percent": "10"}
    lowered = change.change("enhanced", expect=flag.version, edit=edit, by=BO, reason="Less of it", now=now)
    assert isinstance(lowered, FlagChange)
    client = operator()
    assert "<dt>Share</dt><dd>10 % → 25 %</dd>" in page(client.get(undo(lowered)))
    change.change("enhanced", expect=lowered.version, edit={"percent": "5"}, by=BO, reason="Even less", now=now)
    assert "enhanced was changed again since, by bo: percent" in message(client.post(undo(lowered)))
    assert Flag.objects.get().percent == 5


def test_one_unit_is_always_in_or_out_until_that_is_cleared() -> None:
    make_flag(percent=25)
    client = operator()
    url = "/rollouts/enhanced/override/"
    assert "u-1 always gets enhanced" in message(client.post(url, {"unit": "u-1", "is_on": "in"}))
    assert Override.objects.get().is_on
    client.post(url, {"unit": "u-1", "is_on": "out"})
    assert not Override.objects.get().is_on
    client.post(url, {"unit": "u-1", "is_on": "clear"})
    assert not Override.objects.exists()
    assert "Nothing was changed." in message(client.post(url, {"unit": "", "is_on": "in"}))
    assert "Nothing was changed." in message(client.post(url, {"unit": "u-1", "is_on": "maybe"}))
    assert viewer().post(url, {"unit": "u-1", "is_on": "in"}).status_code == 403
