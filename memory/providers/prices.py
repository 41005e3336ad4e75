"""What tokens cost: list prices per model, replaced or completed by the operator's own table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

SETTING: Final = "HOLDFAST_PROVIDER_PRICES"


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens, which is microdollars per token."""

    input: float
    output: float = 0.0


# Standard list prices without discounts for caching or batches. Sources: OpenAI's page "Pricing" (Azure lists the same
# for these models), Mistral's page "Pricing", as published in mid 2026. Estimates: an invoice knows better.
LISTED: Final[dict[str, Price]] = {
    "text-embedding-3-small": Price(0.02),
    "text-embedding-3-large": Price(0.13),
    "text-embedding-ada-002": Price(0.10),
    "gpt-5": Price(1.25, 10.0),
    "gpt-5-mini": Price(0.25, 2.0),
    "gpt-5-nano": Price(0.05, 0.40),
    "gpt-4.1": Price(2.0, 8.0),
    "gpt-4.1-mini": Price(0.40, 1.60),
    "gpt-4.1-nano": Price(0.10, 0.40),
    "gpt-4o": Price(2.50, 10.0),
    "gpt-4o-mini": Price(0.15, 0.60),
    "o4-mini": Price(1.10, 4.40),
    "mistral-embed": Price(0.10),
    "mistral-small": Price(0.10, 0.30),
    "mistral-medium": Price(0.40, 2.0),
    "mistral-large": Price(0.50, 1.50),
}


def microdollars(model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
    """What a call cost, in millionths of a dollar; None where the model has no price."""
    price = _price(model.lower(), settings.HOLDFAST_PROVIDER_PRICES)
    return None if price is None else prompt_tokens * price.input + completion_tokens * price.output


@lru_cache(maxsize=256)
def _price(model: str, file: str) -> Price | None:
    """The price of a model, or of the one whose dated version it is: `gpt-4o-2024-08-06`, `mistral-small-latest`."""
    table = LISTED | _table(file)
    while model:
        if model in table:
            return table[model]
        model, _, version = model.rpartition("-")
        if not (version.isdecimal() or version == "latest"):
            return None
    return None


@lru_cache(maxsize=4)
def _table(file: str) -> dict[str, Price]:
    """The operator's prices. Raises ImproperlyConfigured for a file that can't be read or says something else."""
    if not file:
        return {}
    try:
        written = json.loads(Path(file).read_text())
    except (OSError, ValueError) as problem:
        raise ImproperlyConfigured(f"{SETTING} names {file!r}, which can't be read: {problem}") from None
    if not isinstance(written, dict):
        raise ImproperlyConfigured(f"{SETTING} names {file!r}, which holds no JSON object")
    return {model.lower(): _read(model, price) for model, price in written.items()}


def _read(model: str, price: Any) -> Price:
    prices: list[Any] = [price.get("input"), price.get("output", 0)] if isinstance(price, dict) else [None]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each < 1e6 for each in prices):
        raise ImproperlyConfigured(
            f'{SETTING}: the price of {model!r} must be like {{"input": 0.02, "output": 0.1}}, '
            f"in dollars per million tokens, got {json.dumps(price)[:100]}"
        )
    return Price(*map(float, prices))


def check(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    """The system check: a price table that can't be used is refused at start."""
    try:
        _table(settings.HOLDFAST_PROVIDER_PRICES)
    except ImproperlyConfigured as problem:
        return [checks.Error(str(problem), id="holdfast.E031")]
    return []
