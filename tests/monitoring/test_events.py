from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitoring import events
from monitoring.models import Event
from tests.monitoring.blobs import NOON, moment

pytestmark = pytest.mark.django_db
AT = moment(NOON)


def test_an_event_is_kept_as_it_was_told() -> None:
    event = events.record(kind="flag", text="rollout to 50 %", tone="hand", actor="ana", at=AT)
    stored = Event.objects.get()
    assert stored == event
    assert (stored.kind, stored.text, stored.tone, stored.actor, stored.at) == (
        "flag",
        "rollout to 50 %",
        "hand",
        "ana",
        AT,
    )


def test_between_answers_the_latest_first_and_leaves_the_end_out() -> None:
    for minutes in range(5):
        events.record(kind="start", text=str(minutes), at=AT + timedelta(minutes=minutes))
    found = events.between(AT + timedelta(minutes=1), AT + timedelta(minutes=4))
    assert [event.text for event in found] == ["3", "2", "1"]
    assert [event.text for event in events.between(AT, AT + timedelta(hours=1), limit=2)] == ["4", "3"]


def test_a_long_text_is_cut_to_200_characters() -> None:
    event = events.record(kind="alert", text="x" * 300, at=AT)
    assert event.text == "x" * 199 + "…"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"tone": "loud"}, "tone must be one of ok, warn"), ({"at": datetime(2026, 1, 1)}, "must be aware")],  # noqa: DTZ001
)
def test_nonsense_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        events.record(**({"kind": "start", "text": "x", "at": AT} | wrong))  # type: ignore[arg-type]
    assert not Event.objects.exists()
