from __future__ import annotations

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from monitoring import formats
from monitoring.console import pages
from monitoring.console.pages import Answer, Choice, Question
from monitoring.console.shell import Shell
from monitoring.metrics import snapshot
from monitoring.metrics.snapshot import Figure, Snapshot

QUESTION = Question(
    title="Force it open?",
    verb="Force open",
    keep="Keep it closed",
    back="/",
    choices=(Choice("minutes", "For", (("15", "15 minutes"), ("60", "an hour"))),),
)


def request(path: str = "/ask/", *, user: User | None = None, **post: str) -> HttpRequest:
    made = RequestFactory().post(path, post) if post else RequestFactory().get(path)
    made.user = user or AnonymousUser()
    return made


def answer(**post: str) -> Answer | HttpResponse:
    return pages.ask(request(user=User(username="ops"), **post), QUESTION)


def test_the_live_part_keeps_what_the_url_says() -> None:
    live = pages.live(request("/?range=6h&q=a b&theme=light"), "overview", "overview-live")
    assert live.address == "/overview/live/?range=6h&q=a+b"
    assert live.choices["15m"] == "/?range=15m&q=a+b"
    assert list(live.choices) == ["15m", "1h", "6h", "24h", "7d"]


def test_a_page_without_a_range_has_none_to_choose() -> None:
    live = pages.live(request("/"), "overview", "overview-live", has_range=False)
    assert (live.address, live.choices) == ("/overview/live/", {})


def test_an_etag_is_of_one_address_one_stamp_and_one_person() -> None:
    base = pages.etag(request("/a?b=1"), "7")
    assert base == pages.etag(request("/a?b=1"), "7")
    others = [
        pages.etag(request("/a?b=2"), "7"),
        pages.etag(request("/a?b=1"), "8"),
        pages.etag(request("/a?b=1", user=User(pk=1)), "7"),
    ]
    assert len({base, *others}) == 4


def test_a_question_is_answered_with_a_reason_and_one_of_its_choices() -> None:
    assert answer(reason=" the vendor asked for it ", minutes="60") == Answer(
        "ops", "the vendor asked for it", "/", {"minutes": "60"}
    )


@pytest.mark.parametrize(
    "said",
    [
        {"reason": "too few", "minutes": "60"},
        {"reason": "long enough", "minutes": "9000"},
        {"reason": "x" * 501, "minutes": "60"},
    ],
)
def test_anything_else_is_asked_again(said: dict[str, str]) -> None:
    again = answer(**said)
    assert isinstance(again, HttpResponse)
    assert again.status_code == 422


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (940, "940"), (1000, "1k"), (1284, "1.3k"), (9950, "9.9k"), (18_400, "18k"), (2_100_000, "2.1M")],
)
def test_a_count_beside_a_label_is_short(value: float, written: str) -> None:
    assert formats.short(value) == written


@pytest.mark.parametrize(
    ("path", "current"), [("/queues/", ["Queues"]), ("/queues/jobs/1/", ["Queues"]), ("/", ["Overview"])]
)
def test_a_page_below_a_place_is_at_that_place(path: str, current: list[str]) -> None:
    shell = Shell(request(path, user=User(username="ops")))
    links = [link for links in shell.sections.values() for link in links]
    assert [link.place.label for link in links if link.is_current] == current


def test_what_needs_somebody_is_counted_in_the_rail_and_in_the_tabs() -> None:
    figures = {"alerts.firing": 2.0, "breakers.open": 1.0, "queue.high": 0.0, "flags.attention": 3.0}
    figures |= {"readiness.score": 91.4}
    series = {name: Figure("gauge", value=value) for name, value in figures.items()}
    now = int(timezone.now().timestamp())
    snapshot.publish(Snapshot(at=now, processes=1, expected=1, series=series), redis.Redis.from_url(settings.REDIS_URL))
    shell = Shell(request("/alerts/", user=User(username="ops")))
    counts = {link.place.key: (link.count, link.place.tone, link.place.counted) for link in shell.counted}
    assert counts == {
        "queues": ("", "", "waiting"),
        "breakers": ("1", "crit", "open"),
        "alerts": ("2", "crit", "firing"),
        "rollouts": ("3", "warn", "to look at"),
        "readiness": ("91", "", "of 100"),
    }
    assert {link.place.key for link in shell.tabs if link.place.tone} == {"breakers", "alerts", "rollouts"}
