"""What a new installation gets, and what a repeated bootstrap leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from flags import catalog, rollout, snapshot
from flags.models import Flag, RolloutPlan
from holdfast.bootstrap import bootstrap
from holdfast.supervisor import plan
from tests.services import FLAGS

pytestmark = pytest.mark.django_db
OURS = ("batch_processing", "chatgpt_memory", "circuit_breakers", "enhanced_prompts", "real_time_dedup")


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing of flags."""
    for name in FLAGS:
        monkeypatch.delenv(name)
    catalog.reread()


def run(folder: Path, *, demo: bool = False) -> None:
    bootstrap(password="a password of somebody", folder=folder, now=timezone.now(), demo=demo)
    snapshot.forget()


def flags() -> dict[str, tuple[bool | None, int]]:
    """Everyone and percent of each flag of ours."""
    rows = Flag.objects.filter(name__in=OURS).order_by("name")
    return {flag.name: (flag.everyone, int(flag.percent or 0)) for flag in rows}


def test_flags_are_as_the_catalogue_says_until_somebody_says_otherwise(tmp_path: Path) -> None:
    run(tmp_path)
    made = {
        "batch_processing": (False, 50),
        "chatgpt_memory": (False, 10),
        "circuit_breakers": (None, 100),
        "enhanced_prompts": (False, 25),
        "real_time_dedup": (None, 100),
    }
    assert flags() == made
    assert not rollout.is_on("chatgpt_memory", "anybody")
    assert rollout.is_on("circuit_breakers", "provider.embeddings")
    assert Flag.objects.get(name="circuit_breakers").is_locked
    Flag.objects.filter(name="real_time_dedup").update(everyone=False)
    run(tmp_path, demo=True)
    assert flags() == made | {"real_time_dedup": (False, 100)}
    assert not RolloutPlan.objects.exists()


def test_the_demonstration_turns_memory_on_and_rolls_two_flags_out(tmp_path: Path) -> None:
    run(tmp_path, demo=True)
    assert flags() == {
        "batch_processing": (None, 10),
        "chatgpt_memory": (None, 100),
        "circuit_breakers": (None, 100),
        "enhanced_prompts": (None, 10),
        "real_time_dedup": (None, 100),
    }
    plans = RolloutPlan.objects.order_by("flag__name").values_list("flag__name", "state")
    assert list(plans) == [("batch_processing", "running"), ("enhanced_prompts", "running")]


def test_the_environment_wins_over_catalogue_and_demonstration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"ENABLE_CHATGPT_MEMORY": "false", "ENABLE_ENHANCED_PROMPTS": "true", "BATCH_PROCESSING_ROLLOUT": "5"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    catalog.reread()
    run(tmp_path, demo=True)
    assert flags() == {
        "batch_processing": (False, 5),
        "chatgpt_memory": (False, 10),
        "circuit_breakers": (None, 100),
        "enhanced_prompts": (None, 25),
        "real_time_dedup": (None, 100),
    }


@pytest.mark.parametrize("demo", [True, False])
def test_only_up_with_the_demonstration_sets_flags_for_it(demo: bool, tmp_path: Path) -> None:
    options = plan.Options(base=tmp_path, folder=tmp_path, demo=demo)
    assert ("--demo" in plan.bootstrap(options).command) is demo
