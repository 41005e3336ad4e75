from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flags.models import Flag, Flagset, Proposal, RolloutPlan
from flags.views import panel
from flags.views.found import find
from tests.flags.make import make_flag
from tests.flags.scene import fill, measured

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ops(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ops"))
    return client


def context(answer: Any) -> dict[str, Any]:
    given: dict[str, Any] = answer.context_data
    return given


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_what_needs_somebody_comes_first_with_what_its_guard_says(ops: Client) -> None:
    flags = fill(now=timezone.now())
    RolloutPlan.objects.filter(flag=flags["chatgpt_memory"]).update(state="asking", said="Not proved safe yet. More.")
    answer = ops.get("/rollouts/")
    board = context(answer)["board"]
    assert [(row.name, row.mark.word) for row in board.rows] == [
        ("chatgpt_memory", "Needs a decision"),
        ("batch_processing", "Rolled back"),
        ("enhanced_prompts", "Soaking"),
        ("circuit_breakers", "Complete"),
        ("real_time_dedup", "Complete"),
    ]
    assert [row.guard_about for row in board.rows][:3] == [
        "Not proved safe yet",
        "errors +93 % at 50 %",
        "34 of 60 min soaked",
    ]
    assert board.about.startswith("5 flags, 1 rolled back by its guard at ")
    assert board.about.endswith(", 1 needs a decision")
    assert panel.attention() == 2


def test_the_list_asks_as_much_for_fifty_flags_as_for_two(ops: Client) -> None:
    now = timezone.now()
    Flag.objects.bulk_create(Flag(name=f"f{n}", percent=Decimal(n), owner="ops") for n in range(2))
    ops.get("/rollouts/")  # what a process asks for once
    few = queries(ops, "/rollouts/")
    Flag.objects.bulk_create(Flag(name=f"g{n}", percent=Decimal(n), owner="ops") for n in range(48))
    for flag in Flag.objects.all()[:10]:
        measured(flag, now=now, a_minute=60)
        RolloutPlan.objects.create(flag=flag, starts_at=now, created_at=now, actor="ops", reason="Ready for more")
    many = queries(ops, "/rollouts/")
    assert len(context(ops.get("/rollouts/"))["board"].rows) == 50
    assert many <= few + 1 <= 16  # the stages of plans, where there are plans


def test_flags_are_looked_for_and_paged(ops: Client) -> None:
    Flag.objects.bulk_create(Flag(name=f"f{n:03}", percent=Decimal(5), owner="ana") for n in range(101))
    make_flag("other", note="Of the search", owner="ben")
    first, second = (context(ops.get(f"/rollouts/?page={page}"))["board"] for page in (1, 2))
    assert (len(first.rows), len(second.rows)) == (100, 2)
    assert (first.older, second.newer) == ("/rollouts/?page=2", "/rollouts/?page=1")
    opened = context(ops.get("/rollouts/?open=other"))["board"]
    assert [row.is_open for row in opened.rows] == [False, True]  # on the page that it is on
    assert [row.name for row in context(ops.get("/rollouts/?q=SEARCH"))["board"].rows] == ["other"]
    assert "No flag fits" in ops.get("/rollouts/?q=nothing").content.decode()


def test_without_flags_the_page_and_the_panel_say_what_to_do(ops: Client) -> None:
    assert "No flag exists yet" in ops.get("/rollouts/").content.decode()
    assert "No flag exists" in ops.get("/rollouts/panel/", headers=HTMX).content.decode()


def test_an_opened_flag_is_a_fragment_for_htmx_and_the_page_without(ops: Client) -> None:
    fill(now=timezone.now())
    where = "/rollouts/enhanced_prompts/?open=enhanced_prompts&q=e"
    headers = HTMX | {"HX-Current-URL": "http://testserver/rollouts/?open=chatgpt_memory&q=e"}
    answer = ops.get(where, headers=headers)
    text = answer.content.decode()
    assert answer["HX-Push-Url"] == "/rollouts/?open=enhanced_prompts&q=e"
    assert "<html" not in text
    closed = Flag.objects.get(name="chatgpt_memory")
    assert f'<div id="open-{closed.pk}" hx-swap-oob="true"></div>' in text
    assert "open=enhanced_prompts" in context(answer)["live"].address
    page = ops.get("/rollouts/enhanced_prompts/", follow=True)
    assert page.redirect_chain == [("/rollouts/?open=enhanced_prompts", 302)]
    assert ops.get("/rollouts/nothing/", headers=HTMX).status_code == 404
    shut = ops.get("/rollouts/enhanced_prompts/?q=e", headers=HTMX)
    assert (shut["HX-Push-Url"], context(shut)["opened"]) == ("/rollouts/?q=e", None)


def test_what_moves_comes_without_a_token_that_differs_each_time(ops: Client) -> None:
    fill(now=timezone.now())
    text = ops.get("/rollouts/live/?open=enhanced_prompts").content.decode()
    assert "csrfmiddlewaretoken" not in text
    assert 'id="flag-guard" hx-swap-oob="true"' in " ".join(text.split())


def test_a_viewer_sees_everything_and_presses_nothing(client: Client, db: None) -> None:
    fill(now=timezone.now())
    viewer = User.objects.create_user("vera")
    client.force_login(viewer)
    text = client.get("/rollouts/?open=enhanced_prompts&unit=u-4000").content.decode()
    assert "Only operators may change flags" in text
    for act in ("/kill/", "/share/", "/plan/", "/undo/", "/delete/", "/freeze/", "rollouts/new/"):
        assert act not in text
    viewer.user_permissions.add(Permission.objects.get(codename="change_flag", content_type__app_label="flags"))
    client.force_login(User.objects.get(pk=viewer.pk))
    text = client.get("/rollouts/?open=enhanced_prompts").content.decode()
    assert "/rollouts/enhanced_prompts/kill/" in text
    assert "/rollouts/circuit_breakers/kill/" not in text
    assert "Locked: only admins may change it" in text


def test_freezes_pauses_and_proposals_stand_above_the_list(ops: Client) -> None:
    now = timezone.now()
    flag = make_flag("enhanced", percent=10)
    Flagset.objects.update_or_create(
        pk=Flagset.ONLY, defaults={"is_frozen": True, "is_guard_paused": True, "actor": "ana", "reason": "Release day"}
    )
    late = now + timedelta(hours=1)
    given = {"flag": flag, "version": 1, "edit": {"percent": "50"}, "reason": "A good week", "at": now}
    Proposal.objects.create(**given, actor="ben", expires_at=late)
    text = ops.get("/rollouts/").content.decode()
    assert "Changes are frozen by ana" in text
    assert "Guards are paused" in text
    assert "ben asks to raise enhanced to 50 %" in text
    assert "/approve/" in text
    assert "/rollouts/enhanced/share/" not in text  # frozen
    assert "/rollouts/enhanced/kill/" in text
    Proposal.objects.update(actor="ops")
    assert "Somebody else has to agree" in ops.get("/rollouts/").content.decode()


def test_stale_flags_are_listed_with_what_to_do(ops: Client) -> None:
    make_flag("forgotten", percent=10, owner="")
    text = ops.get("/rollouts/").content.decode()
    assert "Stale flags" in text
    assert "no owner" in text
    assert "Give it an owner" in text


def test_the_panel_and_the_palette_say_the_same_as_the_page(ops: Client) -> None:
    fill(now=timezone.now())
    answer = ops.get("/rollouts/panel/", headers=HTMX)
    assert "3 of 5 partly on" not in answer.content.decode()
    assert [(line.name, line.share, line.mark.word) for line in context(answer)["lines"]] == [
        ("batch_processing", "0", "Rolled back"),
        ("chatgpt_memory", "10", "Soaking"),
        ("enhanced_prompts", "25", "Soaking"),
        ("circuit_breakers", "100", "Complete"),
    ]
    assert "2 of 5 partly on" in answer.content.decode()
    assert "<html" in ops.get("/rollouts/panel/").content.decode()
    (hit,) = find("PROMPTS", User.objects.get(username="ops"), 5)
    assert (hit.title, hit.href, hit.about) == ("enhanced_prompts", "/rollouts/?open=enhanced_prompts", "soaking")


def test_nobody_looks_without_signing_in(client: Client, db: None) -> None:
    for path in ("", "live/", "panel/", "unit/", "f/", "f/unit/"):
        assert client.get(f"/rollouts/{path}").status_code == 302
