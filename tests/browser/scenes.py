"""What pages show in a browser: breakers in every state, and an hour of providers' and caches' figures."""

from __future__ import annotations

import math
import random
import time
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from memory import caching
from monitoring import breakers
from monitoring.breakers import Breaker, Journal, Policy
from monitoring.ids import uuid7
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch
from monitoring.models import Transition
from tests.monitoring.kept import record_once
from tests.monitoring.recorded import publish

HOUR_S: Final = 3600
EVERY_S: Final = 30
# a second, and the share of them that hits
LOOK_UPS: Final = {
    "context": (12, 0.94),
    "conversation": (6, 0.97),
    "response": (2, 0.61),
    "tool": (3, 0.7),
    "embedding": (8, 0.83),
}
FALLBACK: Final = "The local one serves; what it did is done again later."
TITLES: Final = {
    "provider.chat": "Chat: Mistral",
    "provider.mcp": "MCP: summarize",
    "provider.rerank": "Rerank: Azure OpenAI",
    "provider.embedding": "Embedding: OpenAI",
    "provider.notes": "Notes: OpenAI",
}


def make_breakers(*, troubled: bool = True) -> None:
    """One breaker in each state, or all of them closed."""
    chat = _breaker("provider.chat", Policy(consecutive=5, failure_rate=0.25, successes=3, open_s=42))
    mcp = _breaker("provider.mcp", Policy(consecutive=2, failure_rate=0.3, successes=3, open_s=0.1))
    rerank, embedding, notes = (
        _breaker(name, Policy(failure_rate=0.2)) for name in ("provider.rerank", "provider.embedding", "provider.notes")
    )
    _calls(embedding, ok=412, failed=4)
    _calls(chat, ok=61)
    _calls(mcp, ok=14)
    if troubled:
        _calls(chat, failed=5)
        _calls(mcp, failed=2)
        time.sleep(0.2)  # until the breaker asks for probes: its clock is Redis'
        mcp.admit().succeed(0.1)
        now = timezone.now()
        until = now + timedelta(hours=1)
        breakers.force_open(rerank.name, actor="ops", reason="Azure asked us to stop.", until=until, now=now)
        breakers.disable(notes.name, actor="ops", reason="A new model is tried out.", until=until, now=now)
    breakers.flush()
    Journal().drain()
    if troubled:
        _remember(chat.name, "closed", "open", 23, "26.1 % of 804 calls failed, limit 25 %")
        _remember(chat.name, "open", "half_open", 18, "3 probes may pass")
        _remember(chat.name, "half_open", "open", 17, "a probe failed: ProviderTimeoutError")


def record_calls(*, now: datetime, troubled: bool = True) -> None:
    """An hour of the figures of providers, their breakers and the caches."""
    chance = random.Random(5)
    record_once(
        "worker:2:a",
        lambda ago_s: _delta(chance, ago_s, troubled),
        key=f"calls {troubled}",
        until=int(now.timestamp()),
        seconds=HOUR_S,
        every_s=EVERY_S,
    )
    publish(now=now)


def fill_caches() -> None:
    for user in range(12):
        for city in range(user + 3):
            caching.TOOL.keep(f"w:weather-{user}", f"city-{city}", b"rain and wind, " * 700)
            for _ in range(user):
                caching.TOOL.get(f"w:weather-{user}", f"city-{city}")
    caching.TELLER.tell(now=time.time())


def _breaker(name: str, policy: Policy) -> Breaker:
    return breakers.register(name, title=TITLES[name], policy=policy, fallback_text=FALLBACK)


def _calls(breaker: Breaker, *, ok: int = 0, failed: int = 0) -> None:
    for _ in range(ok):
        breaker.admit().succeed(0.05)
    for _ in range(failed):
        breaker.admit().fail("ProviderTimeoutError", 5.0)
    breakers.flush()


def _remember(name: str, before: str, after: str, minutes: int, why: str) -> None:
    at = timezone.now() - timedelta(minutes=minutes)
    Transition.objects.create(
        id=uuid7(), name=name, before=before, after=after, at=at, reason=why, version=0, cause="rate"
    )


def _delta(chance: random.Random, ago_s: int, troubled: bool) -> Delta:
    bad = 1 / (1 + math.exp((ago_s - 1400) / 60)) if troubled else 0.0
    counters: dict[str, float] = {}
    sketches: dict[str, Sketch] = {}
    for name, per_s, took_s, fails in (("chat", 1.6, 0.9, 0.34), ("embedding", 6.0, 0.11, 0.01)):
        calls = per_s * EVERY_S * (1 + chance.uniform(-0.1, 0.1))
        failed = calls * (0.015 + (fails * bad if name == "chat" else 0)) * chance.uniform(0.7, 1.3)
        of = {"requests": calls, "ok": calls - failed, "failed": failed, "retried": failed * 1.6}
        of |= {"rejected": calls * 2 * bad if name == "chat" else 0, "items": calls * 2.4, "batches": calls * 0.2}
        of |= {"tokens_in": calls * 180, "tokens_out": calls * (60 if name == "chat" else 0)}
        of |= {"bytes_raw": calls * 5200, "bytes_sent": calls * 1900, "microdollars": calls * 40}
        counters |= {f"provider.{name}.{what}": value for what, value in of.items()}
        counters |= {f"breaker.provider.{name}.ok": calls - failed, f"breaker.provider.{name}.failed": failed}
        counters[f"breaker.provider.{name}.slow"] = calls * (0.03 + 0.15 * bad * (name == "chat"))
        times = [chance.lognormvariate(math.log(took_s * (1 + 2 * bad * (name == "chat"))), 0.5) for _ in range(20)]
        sketches[f"provider.{name}"] = Sketch.of(times)
    for cache, (per_s, rate) in LOOK_UPS.items():
        asked = per_s * EVERY_S * (1 + chance.uniform(-0.1, 0.1))
        counters |= {f"cache.{cache}.hits": asked * rate, f"cache.{cache}.misses": asked * (1 - rate)}
        counters |= {f"cache.{cache}.bytes_raw": asked * 900, f"cache.{cache}.bytes_stored": asked * 400}
        sketches[f"cache.{cache}.get"] = Sketch.of([chance.lognormvariate(math.log(0.00006), 0.4) for _ in range(20)])
    return Delta(sketches, counters, {})
