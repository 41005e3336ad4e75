from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from monitoring import breakers
from monitoring.breakers import Breaker, Journal, Policy, State
from monitoring.models import BreakerOverride, Event
from monitoring.views.breakers import board as breaker_page

pytestmark = pytest.mark.django_db
_numbers = itertools.count(1)
POLICY = Policy(consecutive=3, failure_rate=0.5, open_s=30)


def make_breaker(*, failures: int = 0, successes: int = 0, policy: Policy = POLICY) -> Breaker:
    """A breaker of this process, with calls that all others know of too."""
    name = f"page-{next(_numbers)}"
    breaker = breakers.register(name, title=f"Provider {name}", policy=policy, fallback_text="The local one serves.")
    for _ in range(successes):
        breaker.admit().succeed(0.01)
    for _ in range(failures):
        breaker.admit().fail("ProviderUnavailableError", 0.2)
    breakers.flush()
    Journal().drain()
    return breaker


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(User.objects.create_user("viewer"))
    return client


@pytest.fixture
def operator(client: Client) -> Client:
    user = User.objects.create_user("ops")
    user.user_permissions.add(Permission.objects.get(codename="change_breakeroverride"))
    client.force_login(user)
    return client


def text(client: Client, path: str = "/breakers/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def view(name: str) -> breakers.View:
    return next(view for view in breakers.overview(timezone.now()) if view.name == name)


@pytest.mark.parametrize("path", ["/breakers/", "/breakers/live/", "/breakers/any/reset/"])
def test_the_breakers_are_for_people_who_signed_in(client: Client, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/sign-in/")


def test_a_card_shows_the_state_the_calls_and_what_happened(viewer: Client) -> None:
    breaker = make_breaker(successes=7, failures=3)
    page = text(viewer, f"/breakers/?name={breaker.name}")
    assert "Probe in" in page
    assert breaker_page.sentence([view(breaker.name)]) == "1 dependency: 1 open"
    assert "30.0%" in page
    assert "3 failures in a row" in page
    assert "ProviderUnavailableError" in page
    assert "The local one serves." in page


def test_the_breaker_that_needs_somebody_comes_first(viewer: Client) -> None:
    calm, open_ = make_breaker(successes=5), make_breaker(failures=3)
    page = text(viewer)
    assert page.index(open_.title) < page.index(calm.title)


def test_who_may_not_override_sees_the_buttons_and_why_they_are_off(viewer: Client) -> None:
    breaker = make_breaker(successes=1)
    assert "Only operators may do this" in text(viewer)
    assert viewer.get(f"/breakers/{breaker.name}/open/").status_code == 403


def test_forcing_asks_for_a_reason_and_an_end_and_then_refuses_every_call(operator: Client) -> None:
    breaker = make_breaker(successes=1)
    address = f"/breakers/{breaker.name}/open/"
    assert "For how long" in text(operator, address)
    assert operator.post(address, {"reason": "short", "hours": "1"}).status_code == 422
    assert operator.post(address, {"reason": "the provider asked us to", "hours": "9"}).status_code == 422
    assert BreakerOverride.objects.count() == 0
    assert operator.post(address, {"reason": "the provider asked us to", "hours": "1"}).status_code == 302
    override = BreakerOverride.objects.get()
    assert (override.name, override.actor, override.mode) == (breaker.name, "ops", "forced_open")
    assert view(breaker.name).state is State.FORCED_OPEN
    with pytest.raises(breakers.OpenError):
        breaker.admit()
    page = text(operator)
    assert "By ops until" in page
    assert "End override" in page
    Journal().drain()
    assert Event.objects.filter(kind="breaker", tone="hand").exists()


def test_ending_an_override_and_resetting_bring_it_back(operator: Client) -> None:
    breaker = make_breaker(failures=3)
    assert view(breaker.name).state is State.OPEN
    assert operator.post(f"/breakers/{breaker.name}/reset/", {"reason": "it answers again"}).status_code == 302
    assert view(breaker.name).state is State.CLOSED
    operator.post(f"/breakers/{breaker.name}/disable/", {"reason": "watching it by eye", "hours": "0.25"})
    assert view(breaker.name).state is State.DISABLED
    assert operator.post(f"/breakers/{breaker.name}/end/", {"reason": "seen enough of it"}).status_code == 302
    assert view(breaker.name).state is State.CLOSED


def test_an_act_or_a_breaker_that_does_not_exist_is_not_found(operator: Client) -> None:
    breaker = make_breaker(successes=1)
    assert operator.get(f"/breakers/{breaker.name}/explode/").status_code == 404
    assert operator.get("/breakers/nobody/reset/").status_code == 404


def test_an_order_that_makes_no_sense_is_refused_in_words(operator: Client) -> None:
    breaker = make_breaker(successes=1)
    answer = operator.post(f"/breakers/{breaker.name}/end/", {"reason": "there is none at all"}, follow=True)
    assert "is not overridden" in answer.content.decode()


def test_a_users_breaker_is_shown_while_it_is_open_and_can_be_reset(operator: Client) -> None:
    family = breakers.family(f"family-{next(_numbers)}", POLICY, title="Processing of")
    member = family.of("workspace:mara/with a slash")
    for _ in range(3):
        member.admit().fail("ValueError", 0.1)
    breakers.flush()
    address = reverse("breaker-act", args=[member.name, "reset"])
    assert f'href="{address}"' in text(operator)
    assert operator.post(address, {"reason": "the data is mended"}).status_code == 302
    assert member.name not in {view.name for view in breakers.overview(timezone.now())}
