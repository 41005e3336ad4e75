from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from flags.models import Flag
from flags.views import panel

TODAY = date(2026, 11, 21)
HTMX = {"HX-Request": "true"}


def make_flag(name: str = "enhanced_prompts", **fields: Any) -> Flag:
    flag = Flag(**{"name": name, "percent": Decimal(25)} | fields)
    flag.save()
    return flag


def context(answer: Any) -> dict[str, Any]:
    given: dict[str, Any] = answer.context_data
    return given


@pytest.fixture
def ops(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ops"))
    return client


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"percent": 25}, "Partly on"),
        ({"percent": 100}, "Complete"),
        ({"percent": 0}, "Disabled"),
        ({"percent": None}, "Disabled"),
        ({"percent": 25, "everyone": True}, "Complete"),
        ({"percent": 25, "everyone": False}, "Disabled"),
        ({"percent": 25, "expires_on": TODAY - timedelta(days=1)}, "Expired"),
        ({"percent": 25, "expires_on": TODAY}, "Partly on"),
    ],
)
def test_a_flags_state_is_one_word(fields: dict[str, Any], state: str) -> None:
    assert panel.state(Flag(name="f", **fields), today=TODAY) == state


def test_the_stage_bar_lights_the_stops_that_the_share_has_passed() -> None:
    row = panel.row(Flag(name="f", percent=Decimal(25)), today=TODAY)
    assert (row.share, row.steps) == (Decimal(25), (True, True, True, False, False))


def test_what_needs_somebody_comes_first(ops: Client) -> None:
    make_flag("a_done", percent=100)
    make_flag("b_off", percent=0)
    make_flag("c_half", percent=50)
    make_flag("d_expired", percent=10, expires_on=timezone.now().date() - timedelta(days=2))
    make_flag("e_off", percent=0)
    answer = ops.get("/rollouts/panel/", headers=HTMX)
    assert [row.name for row in context(answer)["rows"]] == ["d_expired", "c_half", "a_done", "b_off"]
    assert "2 of 5 partly on" in answer.content.decode()


def test_without_flags_the_panel_says_how_to_make_one(ops: Client) -> None:
    text = ops.get("/rollouts/panel/", headers=HTMX).content.decode()
    assert "No flag exists" in text
    assert "/admin/flags/flag/add/" in text


def test_the_panel_is_a_fragment_for_htmx_and_a_page_without(ops: Client) -> None:
    make_flag()
    assert "<html" not in ops.get("/rollouts/panel/", headers=HTMX).content.decode()
    page = ops.get("/rollouts/panel/").content.decode()
    assert "<html" in page
    assert "enhanced_prompts" in page
