"""What holds for all flags, and the second person."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from flags import change
from flags.models import Flag, Proposal
from tests.flags.acts.people import BO, approver, message, operator, page, viewer
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
WHY = {"reason": "The sale begins at noon"}


def test_freezing_says_what_still_works_and_asks_why() -> None:
    client = operator()
    asked = page(client.get("/rollouts/freeze/", headers={"HX-Request": "true"}))
    assert asked.startswith("<dialog")
    assert "Killing still works" in asked
    assert client.post("/rollouts/freeze/", {"reason": "sale"}).status_code == 422
    assert "All changes are frozen" in message(client.post("/rollouts/freeze/", WHY))
    assert change.flagset().is_frozen
    assert "End the freeze" in page(client.get("/rollouts/freeze/"))
    assert "change again" in message(client.post("/rollouts/freeze/", WHY))
    assert viewer().post("/rollouts/freeze/", WHY).status_code == 403


def test_only_approvers_pause_guards_and_say_when_a_second_person_is_needed() -> None:
    client = approver()
    assert "Guards are paused" in message(client.post("/rollouts/guard/", WHY))
    assert change.flagset().is_guard_paused
    wrong = client.post("/rollouts/approval/", WHY | {"over": "120"})
    assert wrong.status_code == 422
    assert "from 0 to 100" in page(wrong)
    assert 'value="120"' in page(wrong)
    assert "Over 50 % a second person is needed." in message(client.post("/rollouts/approval/", WHY | {"over": "50"}))
    assert change.flagset().approval_over == 50
    assert "No share needs" in message(client.post("/rollouts/approval/", WHY | {"over": ""}))
    barred = operator()
    assert barred.post("/rollouts/guard/", WHY).status_code == 403
    assert barred.post("/rollouts/approval/", WHY | {"over": "99"}).status_code == 403


def proposed() -> str:
    """The address of what ana proposes."""
    flag = make_flag(percent=25)
    change.require_approval(Decimal(40), by=BO, reason="Half of them is many", now=timezone.now())
    ana = change.Person("ana", may_change=True, may_approve=False)
    edit = {"percent": "50"}
    made = change.change("enhanced", expect=flag.version, edit=edit, by=ana, reason="Looks good", now=timezone.now())
    assert isinstance(made, Proposal)
    return f"/rollouts/proposals/{made.pk}/"


def test_somebody_else_approves_what_was_proposed_and_not_the_proposer() -> None:
    url = proposed()
    own = operator("ana")
    assert 'disabled title="You proposed it' in page(own.get(f"{url}approve/"))
    refused = own.post(f"{url}approve/")
    assert refused.status_code == 403
    assert "Another person" in page(refused)
    other = operator("ben")
    asked = page(other.get(f"{url}approve/"))
    assert "Users exposed" in asked
    assert "50 %" in asked
    assert "Looks good" in asked
    assert "Approved: enhanced goes to 50 %." in message(other.post(f"{url}approve/"))
    assert Flag.objects.get().percent == 50


def test_a_proposal_is_refused_with_a_reason() -> None:
    url = proposed()
    client = operator("ben")
    assert client.post(f"{url}refuse/", {"reason": "no"}).status_code == 422
    assert "enhanced stays at 25 %" in message(client.post(f"{url}refuse/", {"reason": "Not before Monday"}))
    assert Proposal.objects.get().state == Proposal.State.REFUSED
    assert "already" in message(client.post(f"{url}approve/"))
    assert client.get(f"{url}praise/").status_code == 404
