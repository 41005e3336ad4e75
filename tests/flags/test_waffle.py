from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import waffle
from django.contrib.auth.models import AnonymousUser, Group, User
from django.http import Http404, HttpRequest, HttpResponse
from django.template import engines
from django.test import RequestFactory
from waffle.decorators import waffle_flag
from waffle.testutils import override_flag

from flags import rollout, snapshot
from flags.models import Flag, Unit
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
NAMES = [f"user-{number}" for number in range(200)]


def make_request(user: Any = None, path: str = "/", **attributes: Any) -> HttpRequest:
    request = RequestFactory().get(path)
    if user is not None:
        request.user = user
    for name, value in attributes.items():
        setattr(request, name, value)
    return request


def of(name: str, **fields: Any) -> HttpRequest:
    return make_request(User(username=name, pk=7, **fields))


class Caller:
    """What `request.auth` is for an API key."""

    workspace_id = "w1"


def test_waffle_gives_the_answer_of_evaluation_each_time_and_sets_no_cookie() -> None:
    make_flag(percent=50)
    expected = {name: rollout.is_on("enhanced", name) for name in NAMES}
    assert 60 < sum(expected.values()) < 140
    for name in NAMES:
        request = of(name)
        assert waffle.flag_is_active(request, "enhanced") is expected[name]
        assert waffle.flag_is_active(request, "enhanced", read_only=True) is expected[name]
        assert not hasattr(request, "waffles")


def test_waffle_reads_no_row(django_assert_num_queries: Any) -> None:
    make_flag(percent=100)
    waffle.flag_is_active(of("mara"), "enhanced")
    with django_assert_num_queries(0):
        assert waffle.flag_is_active(of("mara"), "enhanced")


@pytest.mark.parametrize("request_", [make_request(), make_request(AnonymousUser())])
def test_a_request_without_the_unit_is_off_and_rolls_no_dice(request_: HttpRequest) -> None:
    make_flag(percent=100)
    make_flag("of_workspaces", percent=100, unit=Unit.WORKSPACE)
    assert not waffle.flag_is_active(request_, "enhanced")
    assert not waffle.flag_is_active(request_, "of_workspaces")
    make_flag("for_all", everyone=True, percent=None)
    assert waffle.flag_is_active(request_, "for_all")


def test_a_request_speaks_for_its_keys_workspace_or_for_what_it_is_told() -> None:
    make_flag(percent=0, unit=Unit.WORKSPACE, rules=[
        {"if": [{"attribute": "workspace", "operator": "in", "values": ["w1"]}], "then": True},
        {"if": [{"attribute": "plan", "operator": "in", "values": ["gold"]}], "then": True},
    ])  # fmt: skip
    assert waffle.flag_is_active(make_request(auth=Caller()), "enhanced")
    assert not waffle.flag_is_active(make_request(auth=Caller(), flag_units={"workspace": "w2"}), "enhanced")
    gold = make_request(flag_units={"workspace": "w2"}, flag_attributes={"plan": "gold"})
    assert waffle.flag_is_active(gold, "enhanced")
    make_flag("of_services", percent=100, unit=Unit.SERVICE)
    assert waffle.flag_is_active(make_request(flag_units={"service": "openai"}), "of_services")
    make_flag("of_talks", percent=100, unit=Unit.CONVERSATION)
    assert waffle.flag_is_active(make_request(flag_units={"conversation": "c1"}), "of_talks")


def test_a_superuser_is_one_unit_like_any_other() -> None:
    make_flag(percent=0)
    assert not waffle.flag_is_active(of("root", is_superuser=True, is_staff=True), "enhanced")


@pytest.mark.parametrize(
    ("fields", "user", "extra"),
    [
        ({"staff": True}, {"is_staff": True}, {}),
        ({"superusers": True}, {"is_superuser": True}, {}),
        ({"authenticated": True}, {}, {}),
        ({"languages": "en-gb, de"}, {}, {"LANGUAGE_CODE": "de"}),
        ({"testing": True}, {}, {"path": "/?dwft_enhanced=1"}),
        ({"testing": True}, {}, {"COOKIES": {"dwft_enhanced": "True"}}),
    ],
)
def test_whom_waffle_lets_in_is_let_in_on_top_of_the_share(
    fields: dict[str, Any], user: dict[str, Any], extra: dict[str, Any]
) -> None:
    make_flag(percent=0, **fields)
    assert waffle.flag_is_active(make_request(User(username="mara", pk=7, **user), **extra), "enhanced")
    if "authenticated" not in fields:
        assert not waffle.flag_is_active(of("mara"), "enhanced")
    Flag.objects.update(everyone=False)
    snapshot.forget()
    assert not waffle.flag_is_active(make_request(User(username="mara", pk=7, **user), **extra), "enhanced")


def test_members_and_groups_are_let_in_also_when_both_are_cleared_at_once() -> None:
    flag, ana, ben = make_flag(percent=0), User.objects.create_user("ana"), User.objects.create_user("ben")
    group = Group.objects.create(name="testers")
    ben.groups.add(group)

    def let_in() -> list[bool]:
        return [bool(waffle.flag_is_active(make_request(user), "enhanced")) for user in (ana, ben)]

    assert let_in() == [False, False]
    flag.users.add(ana)
    assert let_in() == [True, False]
    flag.groups.add(group)
    assert let_in() == [True, True]
    flag.users.clear()  # which waffle's own cache never hears of
    flag.groups.clear()
    snapshot.forget()  # as the keeper does when the version rises
    assert let_in() == [False, False]


def test_what_is_overridden_in_a_test_is_seen_by_the_next_question() -> None:
    make_flag(percent=100)
    with override_flag("enhanced", active=False):
        assert not rollout.is_on("enhanced", "mara")
        assert not waffle.flag_is_active(of("mara"), "enhanced")
    assert rollout.is_on("enhanced", "mara")
    with override_flag("made_for_the_test", active=True):
        assert rollout.is_on("made_for_the_test", "mara")
    assert not rollout.is_on("made_for_the_test", "mara")


def test_a_write_of_waffles_kind_is_seen_too(transactional_db: None) -> None:
    flag = make_flag(percent=0)
    assert not rollout.is_on("enhanced", "mara")
    flag.percent = Decimal(100)
    flag.save()
    assert rollout.is_on("enhanced", "mara")
    flag.delete()
    assert not rollout.is_on("enhanced", "mara")


def test_the_decorator_and_the_tag_ask_the_same() -> None:
    make_flag(percent=100)

    @waffle_flag("enhanced")
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")

    page = engines["django"].from_string("{% load waffle_tags %}{% flag enhanced %}in{% else %}out{% endflag %}")
    assert view(of("mara")).content == b"in"
    assert page.render({}, of("mara")) == "in"
    with override_flag("enhanced", active=False):
        assert page.render({}, of("mara")) == "out"
        with pytest.raises(Http404):
            view(of("mara"))
