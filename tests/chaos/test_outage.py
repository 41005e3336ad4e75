from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from memory.jobs.working.shift import start
from memory.models import Job, JobState, Memory, Message
from memory.providers import configured
from memory.providers.simulator import Simulator
from memory.tasks import _process
from monitoring import breakers
from monitoring.breakers import State
from monitoring.breakers.registry import the_registry
from tests.make import make_key, make_workspace
from tests.memory.api.conftest import Api

pytestmark = [pytest.mark.chaos, pytest.mark.django_db]

OPEN_S = 1.0
FAILURES = 5  # in a row: the profile's
MODEL = "simulated-256"


@pytest.fixture
def provider(settings: Any) -> Iterator[Simulator]:
    """All that can be asked outside is asked of a simulated provider."""
    with Simulator() as simulator:
        for what in ("EMBEDDING", "CHAT"):
            setattr(settings, f"HOLDFAST_{what}_PROFILE", "compatible")
            setattr(settings, f"HOLDFAST_{what}_URL", simulator.api_url)
            setattr(settings, f"HOLDFAST_{what}_MODEL", MODEL)
        settings.HOLDFAST_EXTRACTOR = settings.HOLDFAST_SUMMARIZER = "chat"
        settings.HOLDFAST_PROVIDER_OPEN_S = OPEN_S
        configured.reset()
        for name in ("embedding", "chat"):
            the_registry().breakers.pop(f"provider.{name}", None)
        yield simulator
    configured.reset()


@pytest.fixture
def api() -> Api:
    workspace = make_workspace()
    return Api(workspace, make_key(workspace))


def post(api: Api, *texts: str) -> None:
    _, conversation = api.post("conversations", {"user_id": "mara", "external_id": "chat"})
    for text in texts:
        sent = {"messages": [{"role": "user", "content": text}]}
        assert api.post(f"conversations/{conversation['id']}/messages", sent)[0] == 202


def ask(api: Api, query: str) -> dict[str, Any]:
    status, answer = api.post("context", {"user_id": "mara", "query": query})
    assert status == 200
    return dict(answer)


def do_all(*, later: timedelta = timedelta(0)) -> None:
    """Do what is due at that moment, as a worker would."""
    start(_process, clock=lambda: timezone.now() + later).work()


def state(name: str) -> State:
    breakers.flush()
    return next(view.state for view in breakers.overview(timezone.now()) if view.name == name)


def test_an_outage_loses_nothing_says_so_ends_and_is_made_good(provider: Simulator, api: Api) -> None:
    post(api, "I live in Leeds.")
    do_all()
    assert ask(api, "Where do I live?")["degraded"] is False
    assert set(Memory.objects.values_list("embedding_model", flat=True)) == {MODEL}

    provider.set(error_rate=1.0)
    asked = len(provider.requests)
    for number in range(FAILURES):
        answer = ask(api, f"Question {number}?")
        assert answer["degraded"] is True
        assert "embedding provider failed" in " ".join(answer["reasons"])
    assert state("provider.embedding") is State.OPEN
    assert len(provider.requests) > asked

    # an open breaker asks nobody, and everything is answered all the same
    asked = len(provider.requests)
    assert "Lives in Leeds" in ask(api, "Where do I live these days, in Leeds?")["text"]
    assert len(provider.requests) == asked
    post(api, "I am allergic to peanuts.", "My sister Ann lives in Oslo.", "I work as a nurse.")
    do_all()
    assert not Message.objects.filter(processed_at=None).exists()
    assert Memory.objects.active().count() == 4
    waiting = set(Job.objects.exclude(state=JobState.SUCCEEDED).values_list("kind", flat=True))
    assert waiting == {"index_messages", "reembed", "reread"}

    provider.set(error_rate=0.0)
    time.sleep(1.2 * OPEN_S)  # the breaker's own clock is Redis', so nothing can be passed in: jitter is a tenth
    for number in range(2):  # as many probes as it takes to close
        assert ask(api, f"Are you back, {number}?")["degraded"] is False
    assert state("provider.embedding") is State.CLOSED

    for minutes in (1, 10, 20):  # chat's breaker is probed by the work itself
        do_all(later=timedelta(minutes=minutes))
        time.sleep(0.2 * OPEN_S)
    assert not Job.objects.exclude(state=JobState.SUCCEEDED).exists()
    assert set(Memory.objects.active().values_list("embedding_model", flat=True)) == {MODEL}
    assert Memory.objects.active().count() == 4
    assert state("provider.chat") is State.CLOSED


def test_a_wrong_key_opens_the_breaker_at_once_and_names_the_setting_only(
    provider: Simulator, api: Api, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HOLDFAST_EMBEDDING_KEY = "sk-very-secret"
    configured.reset()
    provider.set(wrong_key=True)
    assert ask(api, "Where do I live?")["degraded"] is True
    assert state("provider.embedding") is State.OPEN
    assert len(provider.requests) == 1
    assert "HOLDFAST_EMBEDDING_KEY" in caplog.text
    assert "sk-very-secret" not in caplog.text
    reasons = [failure.why for view in breakers.overview(timezone.now()) for failure in view.last_failures]
    assert "sk-very-secret" not in " ".join(reasons)
