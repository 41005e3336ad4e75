"""Settings of a workspace: validated, versioned, told, and followed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import TestCase

from memory import tuning
from memory.errors import ConflictError, InvalidError, NotFoundError
from memory.models import Tuning, Workspace
from memory.tuning import Terms, described, stored
from monitoring.models import AuditEntry, Event
from tests.make import NOW, make_workspace

pytestmark = pytest.mark.django_db


def change(workspace: Workspace, **terms: Any) -> Tuning:
    options = {name: terms.pop(name) for name in ("expect", "reason") if name in terms}
    with TestCase.captureOnCommitCallbacks(execute=True):
        return tuning.change(workspace_id=workspace.pk, terms=terms, actor="ada", now=NOW, **options)


def test_a_change_is_a_version_that_holds_at_once_and_is_told() -> None:
    workspace = make_workspace()
    assert tuning.current(workspace.pk) == Terms()
    first = change(workspace, dedupe={"same": 0.85}, window={"tokens": 2000}, reason="too many duplicates")
    assert tuning.current(workspace.pk).dedupe.same == 0.85
    assert (first.number, first.terms) == (1, {"dedupe": {"same": 0.85}})  # what differs, and no more
    second = change(workspace, window={"tokens": 4000}, expect=1)
    assert (second.number, tuning.current(workspace.pk).dedupe.same) == (2, Terms().dedupe.same)
    assert change(workspace, window={"tokens": 4000}) == second  # as it was: no version
    entry = AuditEntry.objects.get(action="settings.change", reason="too many duplicates")
    assert (entry.actor, entry.before, entry.after) == (
        "ada", {"dedupe.same": Terms().dedupe.same}, {"dedupe.same": 0.85},
    )  # fmt: skip
    events = Event.objects.filter(kind="settings").order_by("id").values_list("text", flat=True)
    assert next(iter(events)) == f"{workspace.name}: dedupe.same {Terms().dedupe.same} → 0.85"


def test_a_change_of_what_somebody_changed_meanwhile_is_refused() -> None:
    workspace = make_workspace()
    change(workspace, dedupe={"same": 0.85}, expect=0)
    with pytest.raises(ConflictError, match="version 1 by now, not 0"):
        change(workspace, dedupe={"same": 0.9}, expect=0)
    with pytest.raises(NotFoundError):
        tuning.revert(workspace_id=workspace.pk, number=7, actor="ada", now=NOW)


def test_an_earlier_version_comes_back_as_a_new_one() -> None:
    workspace = make_workspace()
    change(workspace, dedupe={"same": 0.85})
    change(workspace, context={"considered": 5})
    back = tuning.revert(workspace_id=workspace.pk, number=1, actor="ada", now=NOW, expect=2)
    assert (back.number, back.terms) == (3, {"dedupe": {"same": 0.85}})
    assert tuning.revert(workspace_id=workspace.pk, number=0, actor="ada", now=NOW).terms == {}


@pytest.mark.parametrize(
    ("terms", "faults"),
    [
        ({"dedupe": {"same": 3}}, {"dedupe.same": "must be less than or equal to 1, got 3"}),
        ({"dedupe": {"same": 0.5, "unsure": 0.6}}, {"dedupe": "unsure must not be greater than same"}),
        ({"window": {"tokens": "many"}}, {"window.tokens": "got 'many'"}),
        ({"windows": {}}, {"windows": "is no setting"}),
        ({"extraction": {"kinds": ["gossip"]}}, {"extraction.kinds.0": "got 'gossip'"}),
        ({"retrieval": {"kinds": {"work": 2}, "recency": -1}}, {
            "retrieval.recency": "must be greater than or equal to 0", "retrieval.kinds.work": "got 2"}),
    ],
)  # fmt: skip
def test_what_can_not_be_meant_is_refused_with_its_path(terms: dict[str, Any], faults: dict[str, str]) -> None:
    with pytest.raises(InvalidError) as refused:
        stored.parse(terms)
    told = dict(refused.value.faults)
    assert told.keys() == faults.keys()
    assert all(words in told[path] for path, words in faults.items())


def test_stored_settings_that_are_no_longer_allowed_leave_the_others_as_they_are() -> None:
    workspace = make_workspace()
    old = {
        "dedupe": {"same": 0.9, "gone": 1},
        "retired": {"x": 1},
        "window": {"tokens": 1},
        "context": {"considered": 5},
    }
    Tuning.objects.create(workspace=workspace, number=1, terms=old, actor="an older version")
    tuning.forget()
    terms = tuning.current(workspace.pk)
    assert (terms.dedupe.same, terms.window.tokens, terms.context.considered) == (0.9, Terms().window.tokens, 5)


def test_every_setting_is_described_with_its_bounds_and_read_back_from_a_form() -> None:
    terms = stored.parse({"retrieval": {"kinds": {"work": 0.2}}, "extraction": {"kinds": ["work", "place"]}})
    settings = described.settings(terms)
    assert {each.path for each in settings} == set(stored.flat(terms))
    numbers = [each for each in settings if each.sort in {"number", "whole"}]
    assert all(each.least is not None and each.most is not None and each.least < each.most for each in numbers)
    assert [each.path for each in settings if each.is_changed] == ["retrieval.kinds", "extraction.kinds"]
    texts = {each.path: str(each.value) for each in numbers} | {"retrieval.kinds.work": "0.2"}
    read = described.from_texts(texts, {"extraction.kinds": ["work", "place"]})
    assert stored.parse(read) == terms
