from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from memory.providers import prices


@pytest.mark.parametrize(
    ("model", "dollars_per_million"),
    [
        ("gpt-4o-mini", 0.15),
        ("gpt-4o-mini-2024-07-18", 0.15),
        ("GPT-4o", 2.5),
        ("mistral-small-latest", 0.1),
        ("text-embedding-3-small", 0.02),
    ],
)
def test_a_dated_version_costs_what_its_model_does(model: str, dollars_per_million: float) -> None:
    assert prices.microdollars(model, 1_000_000, 0) == pytest.approx(dollars_per_million * 1e6)


@pytest.mark.parametrize("model", ["", "gpt-4o-audio-preview", "wordllama", "3"])
def test_an_unknown_model_has_no_price_rather_than_none_to_pay(model: str) -> None:
    assert prices.microdollars(model, 1000, 10) is None


def table(folder: Path, written: Any) -> str:
    file = folder / "prices.json"
    file.write_text(json.dumps(written))
    return str(file)


def test_the_operators_table_replaces_and_completes_ours(tmp_path: Path, settings: Settings) -> None:
    settings.HOLDFAST_PROVIDER_PRICES = table(
        tmp_path, {"gpt-4o": {"input": 1, "output": 2}, "Our-Own": {"input": 0.5}}
    )
    assert prices.microdollars("gpt-4o", 10, 10) == 30
    assert prices.microdollars("our-own", 10, 10) == 5
    assert prices.microdollars("gpt-4.1", 10, 10) == 100
    assert prices.check(None) == []


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ([], "holds no JSON object"),
        ({"gpt-4o": 3}, "the price of 'gpt-4o' must be like"),
        ({"gpt-4o": {"output": 3}}, "the price of 'gpt-4o' must be like"),
        ({"gpt-4o": {"input": -1}}, "dollars per million tokens, got"),
        ({"gpt-4o": {"input": True}}, "must be like"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_at_start(
    written: Any, complaint: str, tmp_path: Path, settings: Settings
) -> None:
    settings.HOLDFAST_PROVIDER_PRICES = table(tmp_path, written)
    (problem,) = prices.check(None)
    assert problem.id == "holdfast.E031"
    assert complaint in problem.msg


def test_a_table_that_is_not_there_is_refused_by_name(settings: Settings) -> None:
    settings.HOLDFAST_PROVIDER_PRICES = "nowhere.json"
    with pytest.raises(ImproperlyConfigured, match=r"HOLDFAST_PROVIDER_PRICES names 'nowhere.json'"):
        prices.microdollars("gpt-4o", 1, 1)
